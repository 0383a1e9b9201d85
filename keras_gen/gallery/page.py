"""The page: its head, the table of contents, and a section an entry."""

import json
import re
import shlex

from keras_gen import __version__, cards
from keras_gen.gallery import charts, figures
from keras_gen.gallery.markup import SPACE, Markup, join, tag
from keras_gen.gallery.style import CSS

TITLE = "keras-gen gallery"
INTRODUCTION = (
    "The pretrained models of keras-gen, a zoo of generative models for Keras 3: what "
    "they draw, how they were measured, how they learnt, and the commands that do it "
    "again."
)
# The page asks for nothing, and a browser holds it to that.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
WALK = (
    "Latent walk: each row turns one random latent into another along an arc, on which "
    "every latent is distributed as random ones are."
)
WALK_WIDTH, PAGE_WIDTH = 640, 964  # pixels of the page, the former about
SCALE = 2  # of samples


def document(entries):
    """The whole page.

    Args:
        entries: list of `Entry`.

    Returns:
        Text, HTML.
    """
    names = dict.fromkeys(n for e in entries for n in e.metrics.get("figures", {}))
    notes = None
    if names:
        notes = tag(
            "section",
            tag("h2", "The figures", id="figures"),
            figures.reading([e.metrics for e in entries]),
            figures.glossary(names),
        )
    main = tag("main", _contents(entries), *map(section, entries), notes)
    header = tag("header", tag("h1", TITLE), tag("p", INTRODUCTION, class_="lead"))
    footer = tag(
        "footer",
        tag("p", "Written by ", tag("code", "keras-gen gallery"), f" {__version__}."),
    )
    body = tag("body", header, main, footer)
    return f"<!doctype html>\n{tag('html', _head(), body, lang='en')}\n"


def section(entry):
    """One entry's section."""
    summary = entry.recipe.get("card", {}).get("summary")
    limits = entry.recipe.get("card", {}).get("limits")
    others = entry.recipe.get("source", {}).get("figures")
    return tag(
        "section",
        tag("h2", tag("code", entry.name), " ", _class(entry), id=anchor(entry)),
        tag("p", summary, class_="lead") if summary else None,
        tag("p", *_facts(entry), class_="facts"),
        *_pictures(entry),
        tag("h3", "Figures"),
        figures.measured(entry.metrics),
        tag("h3", "Published") if others else None,
        figures.published(others) if others else None,
        tag("h3", "Training curves"),
        _curves(entry.curves),
        tag("h3", "Use"),
        _use(entry),
        tag("p", tag("b", "Limits. "), limits, class_="note") if limits else None,
        tag("p", tag("a", "All entries", href="#entries"), class_="note"),
        class_="entry",
    )


def anchor(entry):
    """The id of an entry's heading."""
    return "entry-" + re.sub(r"[^\w-]", "-", entry.name)


def _head():
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", TITLE),
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(CSS)),
    )


def _class(entry):
    return tag("span", entry.class_name, class_="class")


def _contents(entries):
    return tag(
        "nav",
        tag("h2", "Entries", id="entries"),
        tag("ul", *(tag("li", _card(entry)) for entry in entries)),
        aria_labelledby="entries",
    )


def _card(entry):
    first = entry.thumbnail
    image = _image(first, "") if first else None
    measured = figures.headline(entry.metrics)
    words = tag("span", "not measured yet", class_="value")
    if measured:
        title, value, arrow = measured
        words = tag("span", f"{title} ", tag("b", value), SPACE, arrow, class_="value")
    name = tag("span", tag("code", entry.name), " ", _class(entry))
    text = tag("span", name, words, class_="words")
    return tag("a", image, text, href=f"#{anchor(entry)}")


def _facts(entry):
    source, metadata = entry.recipe.get("source", {}), entry.metadata
    facts = []
    if source:
        by = f"{source.get('authors', '')} {source.get('year', '')}".strip()
        facts += [f"After {by}, ", _link(source.get("title"), source.get("url")), ". "]
    total = sum(metadata.get("parameters", {}).values())
    size = metadata.get("weights", {}).get("bytes", 0) / 2**20
    facts.append(f"{total:,} parameters, {size:.1f}{SPACE}MiB. ")
    if {"steps", "minutes", "hardware"} <= metadata.keys():
        data = entry.recipe.get("data", {}).get("source")
        on = f" on {data}" if data else ""
        facts.append(
            f"Trained{on} for {metadata['steps']:,} steps, {metadata['minutes']:.0f} "
            f"minutes on {metadata['hardware']}. "
        )
    if "licence" in metadata:
        facts.append(f"Weights: {metadata['licence']}.")
    return facts


def _link(title, url):
    """A title that leads to its page, where the address is one of the web."""
    title = title or url or "an unnamed source"
    web = str(url).startswith(("https://", "http://"))
    return tag("a", title, href=url) if web else tag("cite", title)


def _pictures(entry):
    if entry.samples:
        caption = entry.caption[:1].upper() + entry.caption[1:]
        image = _image(entry.samples, f"{caption}, of {entry.name}", SCALE)
        box = figures.scrolling("Samples", image, class_="sheet")
        yield tag("figure", box, tag("figcaption", f"{caption}."))
    if entry.walk:
        scale = max(1, round(WALK_WIDTH / entry.walk.width))
        image = _image(entry.walk, f"Latent walk of {entry.name}", scale)
        yield tag("figure", image, tag("figcaption", WALK), class_="walk")


def _image(picture, alt, scale=1):
    width, height = picture.width * scale, picture.height * scale
    kind = "reduced" if width > PAGE_WIDTH else None
    return tag("img", src=picture.uri, width=width, height=height, alt=alt, class_=kind)


def _curves(curves):
    drawn = charts.charts(curves)
    if not drawn:
        return tag("p", "The curves of this run were not kept.", class_="note")
    note = tag("p", "Over training steps, with the last values.", class_="note")
    return join(tag("div", *drawn, class_="charts"), note)


def _use(entry):
    name = entry.name
    word, text = shlex.quote(name), json.dumps(name, ensure_ascii=False)
    shell = f"keras-gen reproduce {word}\nkeras-gen evaluate {word}"
    verb = cards.use(entry.recipe)
    python = f"import keras_gen\nmodel = keras_gen.from_preset({text})\n{verb}"
    blocks = (tag("pre", tag("code", text), tabindex=0) for text in (python, shell))
    return tag("div", *blocks, class_="use")
