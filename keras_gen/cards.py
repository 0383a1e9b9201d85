"""Cards, docs/zoo.md and the README's table, made from what was measured.

`python -m keras_gen.cards` rewrites them all; `--check` says which would change, and
which metrics.json does not hold what was measured.
"""

import argparse
import hashlib
import json
import pathlib
import re
import sys
import tomllib

from PIL import Image

from keras_gen import metrics, presets

BEGIN = "<!-- zoo table: python -m keras_gen.cards -->"
END = "<!-- end of zoo table -->"
ROWS = {
    "model": "this model",
    "truncated": "truncated",
    "guided": "guided",
    "floor": "training set",
    "gaussian_mixture": "Gaussian mixture",
    "mixture_prior": "mixture prior",
    "pca": "PCA",
    "rival": "rival",
    "twin": "twin",
    "target": "target",
    "noisy": "before",
    "tool": "simple tool",
    "neighbour": "nearest pair",
    "bicubic": "bicubic",
    "lanczos": "Lanczos",
}
ARROWS = {"lower": " ↓", "higher": " ↑", "": ""}


def card(entry, recipe):
    """The card of a published entry, Markdown.

    Args:
        entry: the entry's folder.
        recipe: a `Recipe`, or anything with its `tables`.
    """
    known = presets.info(entry)
    words = recipe.tables.get("card", {})
    source = recipe.tables.get("source", {})
    metadata, measured = known["metadata"], known["metrics"]
    name, table = pathlib.Path(entry).name, recipe.tables["data"]
    parts = [
        f"# {name}",
        words.get("summary", ""),
        _sheet(pathlib.Path(entry) / "samples.png", metadata["showcase"]),
        f"Shown: {metadata['showcase']}.",
        _code(name, use(recipe.tables)),
        "## Model",
        f"`{known['config']['class_name']}`{_paper(source)}. Parameters: "
        + ", ".join(f"{n} {c:,}" for n, c in metadata["parameters"].items())
        + ".",
        "## Training",
        f"`python train_all.py {name}`: {metadata['steps']:,} steps of "
        f"{table['batch_size']} examples of `{table['source']}`, "
        f"{metadata['minutes']:.0f} minutes on {metadata['hardware']}. The recipe is "
        "[recipe.toml](recipe.toml).",
        "## Figures",
        *figures(measured, name),
        *_published(source),
        "## Limits",
        words.get("limits", ""),
        f"## Licence\n\nWeights: {metadata['licence']}. Data: see NOTICE.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def figures(measured, name):
    """What was measured, a list of Markdown paragraphs.

    Args:
        measured: as `metrics.json` holds it.
        name: of the entry.
    """
    losses = "; ".join(f"{k} {v:.5g}" for k, v in measured["losses"].items())
    parts = [
        f"`keras-gen evaluate {name}` gives, {protocol(measured['protocol'])}:",
        figure_table(measured),
        *meanings(measured["protocol"]),
        f"Validation losses over the whole split: {losses}. `loss` is "
        f"{measured['meaning']}.",
    ]
    if "reproduce" in measured:
        full, quick = measured["reproduce"]["full"], measured["reproduce"]["quick"]
        title = metrics.CATALOGUE[full["figure"]].title
        parts.append(
            f"`keras-gen reproduce {name}` trains it again and holds its {title} "
            f"against {full['low']:.4g} to {full['high']:.4g} ({full['how']}); with "
            f"`--quick`, the short run's against {quick['low']:.4g} to "
            f"{quick['high']:.4g} ({quick['how']})."
        )
    return parts


def figure_table(measured):
    """The table of figures with their intervals, Markdown."""
    found = measured["figures"]
    rows = [row for row in ROWS if any(row in figure for figure in found.values())]
    lines = ["| figure | " + " | ".join(ROWS[row] for row in rows) + " |"]
    lines += ["|---|" + "---|" * len(rows)]
    for name, figure in found.items():
        known = metrics.CATALOGUE[name]
        title = f"{known.title}{ARROWS[known.better]}"
        title = f"**{title}**" if name == measured["headline"] else title
        cells = [interval(figure[row]) if row in figure else "" for row in rows]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def meanings(protocol):
    """What the table's columns are, where it takes words: at most one paragraph."""
    words = [f"*{ROWS[row]}*: {text}" for row, text in protocol.get("rows", {}).items()]
    return ["; ".join(words) + "."] if words else []


def interval(figure):
    """A figure and its interval, "239.2 [238.1, 240.3]"."""
    return f"{figure['value']:.4g} [{figure['low']:.4g}, {figure['high']:.4g}]"


def protocol(table):
    """A protocol in words."""
    words = f"on split `{table['split']}` of `{table['source']}`"
    if "samples" in table:
        made = ", ".join(f"{k}={_call(v)}" for k, v in table["generate"].items())
        words += (
            f", {table['samples']:,} samples (seed {table['seed']}"
            f"{', ' + made if made else ''}) against {table['references']:,} pictures"
        )
    if "extractor" in table:
        extractor = table["extractor"]
        words += f", features of `{extractor['name']}` {extractor['sha256'][:8]}"
    return f"{words}, with intervals of {table['interval']}"


def _call(value):
    if not isinstance(value, dict):
        return value
    options = {k: _call(v) for k, v in value.items() if k != "class_name"}
    keywords = ", ".join(f"{k}={v}" for k, v in options.items())
    return f"{value['class_name']}({keywords})"


def _paper(source):
    if not source:
        return ""
    title = f"[{source['title']}]({source['url']})"
    return f", after {source['authors']} {source['year']}, {title}"


def _published(source):
    """The figures others have published, a list of Markdown paragraphs."""
    if "figures" not in source:
        return []
    lines = ["| published | value | data | by |", "|---|---|---|---|"]
    for row in source["figures"]:
        lines.append(
            f"| {row['name']} | {row['value']} | {row['data']} | {row['by']} |"
        )
    note = "Measured by others under their own protocol, which does not compare with "
    return [note + "the table above:", "\n".join(lines)]


def zoo_table(link="zoo/"):
    """The table of published entries, Markdown.

    Args:
        link: the zoo's folder as seen from the page.
    """
    rows = ["| preset | model | parameters | figure | training set | training |"]
    rows += ["|---|---|---|---|---|---|"]
    for name in presets.list_presets():
        known = presets.info(name)
        metadata, measured = known["metadata"], known["metrics"]
        figure = measured["figures"][measured["headline"]]
        title = metrics.CATALOGUE[measured["headline"]].title
        rows.append(
            f"| [{name}]({link}{name}/README.md) | {known['config']['class_name']} "
            f"| {sum(metadata['parameters'].values()):,} "
            f"| {title} {interval(figure['model'])} "
            f"| {interval(figure['floor']) if 'floor' in figure else ''} "
            f"| {metadata['minutes']:.0f} min, {metadata['hardware']} |"
        )
    return "\n".join(rows)


def zoo_page():
    """docs/zoo.md: every entry with all its figures, then what each figure means."""
    parts = [
        "# The zoo",
        "Generated by `python -m keras_gen.cards`. Every number is written by "
        "`keras-gen evaluate NAME --publish`; *training set* is real training pictures "
        "in place of samples, the best that can be had, and *Gaussian mixture* the "
        "simple rival: 100 components on 50 principal components.",
        zoo_table("../zoo/"),
    ]
    for name in presets.list_presets():
        words = _Words(presets.zoo_folder() / name).tables
        parts += [f"## [{name}](../zoo/{name}/README.md)"]
        parts += [words["card"]["summary"]] if "card" in words else []
        parts += figures(presets.info(name)["metrics"], name)
    recipes = sorted(p.parent.name for p in presets.zoo_folder().glob("*/recipe.toml"))
    bare = [f"`{name}`" for name in recipes if name not in presets.list_presets()]
    if bare:
        parts += ["## Recipes without weights", ", ".join(bare) + "."]
    parts += [
        "## What the figures mean",
        "| figure | better | meaning |\n|---|---|---|",
    ]
    parts[-1] += "".join(
        f"\n| {f.title} | {f.better} | {f.meaning} |"
        for f in metrics.CATALOGUE.values()
    )
    return "\n\n".join(parts) + "\n"


def seal(measured):
    """SHA-256 over a metrics.json without its seal: it tells one changed by hand."""
    content = {k: v for k, v in measured.items() if k != "seal"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def broken():
    """What is wrong with the metrics.json files of the zoo, a list of lines."""
    wrong = []
    readme = (presets.zoo_folder().parent / "README.md").read_text("utf-8")
    if BEGIN not in readme or END not in readme.partition(BEGIN)[2]:
        wrong.append(f"README.md: the lines {BEGIN} and {END} are gone")
    for name in presets.list_presets():
        known = presets.info(name)
        measured = known.get("metrics")
        if measured is None:
            wrong.append(f"{name}: metrics.json is missing")
            continue
        if measured.get("seal") != seal(measured):
            wrong.append(f"{name}: metrics.json was changed after it was measured")
        weights = presets.file_hash(presets.find(name) / presets.WEIGHTS)
        if weights != known["metadata"]["weights"]["sha256"]:
            wrong.append(f"{name}: {presets.WEIGHTS} is not what metadata.json says")
        if measured["protocol"]["weights"] != weights:
            wrong.append(f"{name}: metrics.json is of other weights")
        asked = _Words(presets.find(name)).tables.get("evaluate", {})
        if measured["protocol"].get("generate", {}) != asked.get("generate", {}):
            wrong.append(f"{name}: metrics.json is of another [evaluate] in the recipe")
        extractor = measured["protocol"].get("extractor")
        if extractor and extractor["name"] in presets.list_presets():
            judge = presets.info(extractor["name"])["metadata"]["weights"]["sha256"]
            if judge != extractor["sha256"]:
                wrong.append(f"{name}: metrics.json is by another {extractor['name']}")
    return wrong


def use(tables):
    """The lines of Python that a loaded model is used by, from a recipe's tables."""
    usual = "images = model.generate(64, seed=0)  # float32 in [0, 1]"
    return tables.get("card", {}).get("use", usual)


def _sheet(path, caption):
    """The samples, every pixel two wide."""
    with Image.open(path) as sheet:
        width = 2 * sheet.width
    return f'<img src="{path.name}" width="{width}" alt="{caption}">'


def _code(name, lines):
    return (
        "```python\nimport keras_gen\n\n"
        f'model = keras_gen.from_preset("{name}")\n{lines}\n```'
    )


class _Words:
    """A recipe's tables, read without the training package."""

    def __init__(self, folder):
        self.tables = tomllib.loads((folder / "recipe.toml").read_text("utf-8"))


def generated():
    """All generated files of the checkout: a dict from path to text."""
    zoo = presets.zoo_folder()
    files = {
        zoo / name / "README.md": card(zoo / name, _Words(zoo / name))
        for name in presets.list_presets()
    }
    readme = zoo.parent / "README.md"
    table = f"{BEGIN}\n{zoo_table()}\n{END}"
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.S)
    text = readme.read_text(encoding="utf-8")
    files[readme] = pattern.sub(lambda _: table, text)
    files[zoo.parent / "docs" / "zoo.md"] = zoo_page()
    return files


def main(arguments=None):
    """Write the generated files, or with --check list those that would change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only list changes")
    options = parser.parse_args(arguments)
    wrong = broken()
    if any(line.endswith("is missing") for line in wrong):
        print(*wrong, sep="\n")
        return 1
    stale = {
        path: text
        for path, text in generated().items()
        if not path.is_file() or path.read_text("utf-8") != text
    }
    for path, text in stale.items():
        print(path)
        if not options.check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong or (stale and options.check) else 0


if __name__ == "__main__":
    sys.exit(main())
