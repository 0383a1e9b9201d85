"""Cards of the zoo's entries and the README's table, generated from what was measured.

`python -m keras_gen.cards` rewrites them all; `--check` says which would change.
"""

import argparse
import pathlib
import re
import sys
import tomllib

from keras_gen import presets

BEGIN = "<!-- zoo table: python -m keras_gen.cards -->"
END = "<!-- end of zoo table -->"


def card(entry, recipe):
    """The card of a published entry, Markdown.

    Args:
        entry: the entry's folder.
        recipe: a `Recipe`, or anything with its `tables`.
    """
    known = presets.info(entry)
    words = recipe.tables.get("card", {})
    source = recipe.tables.get("source", {})
    metadata, metrics = known["metadata"], known["metrics"]
    name, table = pathlib.Path(entry).name, recipe.tables["data"]
    parts = [
        f"# {name}",
        words.get("summary", ""),
        "![64 samples, seed 0](samples.png)",
        _code(name),
        "## Model",
        f"`{known['config']['class_name']}`, after {source['authors']} "
        f"{source['year']}, [{source['title']}]({source['url']}). Parameters: "
        + ", ".join(f"{n} {c:,}" for n, c in metadata["parameters"].items())
        + ".",
        "## Training",
        f"`python train_all.py {name}`: {metadata['steps']:,} steps of "
        f"{table['batch_size']} examples of `{table['source']}`, "
        f"{metadata['minutes']:.0f} minutes on {metadata['hardware']}. The recipe is "
        "[recipe.toml](recipe.toml).",
        "## Figures",
        _figures(metrics, name),
        "## Limits",
        words.get("limits", ""),
        f"## Licence\n\nWeights: {metadata['licence']}. Data: see NOTICE.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def zoo_table():
    """The table of published entries, Markdown."""
    rows = ["| preset | model | parameters | held-out loss | training |"]
    rows += ["|---|---|---|---|---|"]
    for name in presets.list_presets():
        known = presets.info(name)
        metadata, metrics = known["metadata"], known["metrics"]
        rows.append(
            f"| [{name}](zoo/{name}/README.md) | {known['config']['class_name']} "
            f"| {sum(metadata['parameters'].values()):,} "
            f"| {metrics['losses']['loss']:.4g} ({metrics['meaning']}) "
            f"| {metadata['minutes']:.0f} min, {metadata['hardware']} |"
        )
    return "\n".join(rows)


def _code(name):
    return (
        "```python\nimport keras_gen\n\n"
        f'model = keras_gen.from_preset("{name}")\n'
        "images = model.generate(64, seed=0)  # float32 in [0, 1]\n```"
    )


def _figures(metrics, name):
    protocol = metrics["protocol"]
    losses = "; ".join(f"{k} {v:.5g}" for k, v in metrics["losses"].items())
    return (
        f"`keras-gen evaluate {name}` on all {protocol['examples']:,} examples of "
        f"`{protocol['source']}`, split `{protocol['split']}`: {losses}. `loss` is "
        f"{metrics['meaning']}."
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
    return files


def main(arguments=None):
    """Write the generated files, or with --check list those that would change."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only list changes")
    options = parser.parse_args(arguments)
    stale = [p for p, text in generated().items() if p.read_text("utf-8") != text]
    for path in stale:
        print(path)
        if not options.check:
            path.write_text(generated()[path], encoding="utf-8")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
