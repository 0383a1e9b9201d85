"""What was measured of an entry: its tables and the words beside them."""

from keras_gen.cards import ROWS
from keras_gen.gallery.markup import SPACE, join, number, tag
from keras_gen.metrics import CATALOGUE, Figure

ARROWS = {"lower": "\u2193", "higher": "\u2191"}
READING = {
    "floor": "puts real training pictures in the place of samples: about what a "
    "perfect model would get",
    "gaussian_mixture": "is the simple rival: a mixture of Gaussians over the "
    "principal components of training pictures",
}
LOSS = "loss"


def describe(name):
    """The `Figure` of a name; one that the catalogue lacks gets plain words."""
    return CATALOGUE.get(name) or Figure(name.replace("_", " "), "", "")


def headline(metrics):
    """The figure that stands for an entry.

    Args:
        metrics: as in metrics.json, perhaps empty.

    Returns:
        (title, value, better) as `Markup` or texts, or None where nothing was measured.
    """
    name = metrics.get("headline", LOSS)
    figures, losses = metrics.get("figures", {}), metrics.get("losses", {})
    if "model" in figures.get(name, ()):
        figure = describe(name)
        return figure.title, number(figures[name]["model"]["value"]), arrow(figure)
    if LOSS in losses:
        return "held-out loss", number(losses[LOSS]), None
    return None


def arrow(figure):
    """The arrow that says which way a figure gets better, None where neither is."""
    if figure.better not in ARROWS:
        return None
    words = f"{figure.better} is better"
    return tag("span", ARROWS[figure.better], role="img", aria_label=words, title=words)


def measured(metrics):
    """Everything that was measured, under its heading.

    Args:
        metrics: as in metrics.json, perhaps empty.
    """
    if not metrics:
        return tag("p", "Not measured yet.", class_="note")
    parts = []
    if metrics.get("figures"):
        parts.append(_figures(metrics))
    if metrics.get("losses"):
        parts += _losses(metrics)
    return join(*parts, tag("p", protocol(metrics), class_="note"))


def published(figures):
    """The table of figures that others published.

    Args:
        figures: list of {"name", "value", "data", "by"}, texts.
    """
    head = {"figure": "", "value": "number", "data": "", "by": ""}
    rows = [
        tag(
            "tr",
            tag("th", figure.get("name", ""), scope="row"),
            tag("td", figure.get("value", ""), class_="number"),
            tag("td", figure.get("data", "")),
            tag("td", figure.get("by", "")),
        )
        for figure in figures
    ]
    note = (
        "Measured by others under another protocol, with other features: these do not "
        "compare directly with the figures above."
    )
    return join(_table("Published figures", head, rows), tag("p", note, class_="note"))


def scrolling(label, content, class_):
    """A box that scrolls sideways, by keyboard too."""
    return tag(
        "div", content, class_=class_, tabindex=0, role="region", aria_label=label
    )


def reading(metrics):
    """How to read the tables.

    Args:
        metrics: of all entries, a list as in their metrics.json.
    """
    tables = [rows for m in metrics for rows in m.get("figures", {}).values()]
    parts = ["Figures are measured on the published weights, with held-out pictures."]
    for row, words in READING.items():
        if any(row in rows for rows in tables):
            parts += [" The column ", tag("em", ROWS[row]), f" {words}."]
    return tag("p", *parts)


def glossary(names):
    """What figures mean: a list to which the tables' rows lead.

    Args:
        names: of figures.
    """
    items = []
    for name in names:
        figure = describe(name)
        if figure.meaning:
            term = tag("dt", figure.title, SPACE, arrow(figure), id=f"figure-{name}")
            items.append(tag("div", term, tag("dd", figure.meaning)))
    return tag("dl", *items, class_="glossary")


def protocol(metrics):
    """How an entry was measured, in words."""
    known = metrics.get("protocol", {})
    sentences = [_data(known), _drawn(known)]
    if metrics.get("figures") and "interval" in known:
        sentences.append(f"Intervals: {known['interval']}.")
    sentences += [f"{ROWS[row]}: {x}." for row, x in known.get("rows", {}).items()]
    made = [f"{k} {known[k]}" for k in ("keras-gen", "keras") if k in known]
    made += [str(known[k]) for k in ("backend", "machine") if k in known]
    if "seconds" in metrics:
        made.append(f"{metrics['seconds']:,.0f} s")
    if made:
        sentences.append(f"By {', '.join(made)}.")
    text = " ".join(sentence for sentence in sentences if sentence)
    return text.replace(" %", f"{SPACE}%")


def _data(known):
    split = f"{known.get('source', 'unknown data')}, split {known.get('split', '?')}"
    if "samples" in known:
        text = f"{known['samples']:,} samples"
        if "references" in known:
            text += f" against {known['references']:,} held-out pictures"
        text += f" of {split}"
    elif "examples" in known:
        text = f"On {known['examples']:,} held-out examples of {split}"
    else:
        text = f"On held-out examples of {split}"
    if extractor := known.get("extractor"):
        digest = extractor.get("sha256", "")[:12]
        text += f", in the features of {extractor.get('name')} (SHA-256 {digest})"
    return text + (f"; seed {known['seed']}." if "seed" in known else ".")


def _drawn(known):
    options = known.get("generate")
    if not options:
        return None
    words = ", ".join(f"{key}={_call(value)}" for key, value in options.items())
    return f"Samples by generate({words})."


def _call(value):
    """A recipe's value as Python writes it: {"class_name": "A", "b": 1} as A(b=1)."""
    if not isinstance(value, dict) or "class_name" not in value:
        return repr(value)
    words = [f"{k}={_call(v)}" for k, v in value.items() if k != "class_name"]
    return f"{value['class_name']}({', '.join(words)})"


def _figures(metrics):
    figures = metrics["figures"]
    found = dict.fromkeys(row for rows in figures.values() for row in rows)
    others = [row for row in found if row != "model"]
    interval = str(metrics.get("protocol", {}).get("interval", "")).partition(",")[0]
    interval = interval.replace(" %", f"{SPACE}%")
    head = {"figure": "", "model": "number"}
    head[f"{interval} interval".strip()] = "number interval"
    head |= {ROWS.get(row, row.replace("_", " ")): "number" for row in others}
    rows = [
        _row(name, rows, others, name == metrics.get("headline"))
        for name, rows in figures.items()
    ]
    return _table("Figures", head, rows)


def _row(name, rows, others, headline):
    figure = describe(name)
    title = figure.title
    if figure.meaning:
        title = tag("a", title, href=f"#figure-{name}", title=figure.meaning)
    mark = tag("span", "headline", class_="mark") if headline else None
    return tag(
        "tr",
        tag("th", title, SPACE, arrow(figure), " ", mark, scope="row"),
        tag("td", _value(rows, "model"), class_="number"),
        tag("td", _interval(rows.get("model", {})), class_="number interval"),
        *(tag("td", _value(rows, other), class_="number") for other in others),
        class_="headline" if headline else None,
    )


def _value(rows, row):
    return number(rows[row]["value"]) if row in rows else "\u2013"


def _interval(ends):
    if "low" not in ends or "high" not in ends:
        return "\u2013"
    return f"{number(ends['low'])}{SPACE}to {number(ends['high'])}"


def _table(label, head, rows):
    cells = [
        tag("th", text, scope="col", class_=kind or None) for text, kind in head.items()
    ]
    table = tag("table", tag("thead", tag("tr", *cells)), tag("tbody", *rows))
    return scrolling(label, table, class_="scroll")


def _losses(metrics):
    losses = metrics["losses"]
    ordered = sorted(losses, key=lambda name: name != LOSS)
    tiles = [
        tag("div", tag("dt", tag("code", name)), tag("dd", number(losses[name])))
        for name in ordered
    ]
    meaning = metrics.get("meaning")
    words = join(tag("code", LOSS), f" is {meaning}.") if meaning else None
    return [
        tag("h4", "Held-out losses"),
        tag("dl", *tiles, class_="tiles"),
        tag("p", words) if words else None,
    ]
