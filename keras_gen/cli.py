"""The command `keras-gen`: the zoo from a shell."""

import argparse
import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main(argv=None):
    """Run a command.

    Args:
        argv: its arguments; by default those of the process.

    Returns:
        The exit status: 0, 1 where training failed, 2 for bad input, 130 if
        interrupted.
    """
    parser = make_parser()
    options = parser.parse_args(argv)
    try:
        return options.run(options) or 0
    except (ValueError, OSError, ImportError) as error:
        message = " ".join(str(error).split())
        print(f"keras-gen: error: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("keras-gen: interrupted", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all of this command's."""

    def error(self, message):
        self.exit(2, f"keras-gen: error: {message} (see {self.prog} --help)\n")


def make_parser():
    """The parser, one subcommand a function below."""
    parser = _Parser(prog="keras-gen", description=__doc__.partition(": ")[2])
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name, run):
        words = run.__doc__
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(run=run)
        return added.add_argument

    add = command("list", list_presets)
    add("pattern", nargs="?", default="*", help='as in a shell: "*gan*"')
    add("--json", action="store_true", help="print JSON")

    add = command("info", info)
    add("preset", metavar="NAME", help="a preset's name or folder")

    _add_sample(command("sample", sample))

    add = command("train", train)
    add("recipe", metavar="NAME", help="a recipe's name or path")
    add("--quick", action="store_true", help="the short run, in DIR/quick")
    add("--runs", default="runs", metavar="DIR", help="folder of run folders")
    strategies = ("auto", "one", "mirrored", "multiworker")
    add("--strategy", choices=strategies, default="auto", help="how to distribute")

    add = command("evaluate", evaluate)
    add("preset", metavar="NAME", help="a preset's name or folder")
    add("--samples", type=int, metavar="N", help="samples; by default the recipe's")
    add("--seed", type=int, default=0, help="of samples and intervals (%(default)s)")
    add("--json", action="store_true", help="print JSON")
    add("--publish", action="store_true", help="write metrics.json and the card")

    add = command("reproduce", reproduce)
    add("preset", metavar="NAME", help="a published entry's name or folder")
    add("--quick", action="store_true", help="the short run, by its own interval")
    add("--runs", default="runs/reproduced", metavar="DIR", help="for run folders")

    add = command("translate", translate)
    add("preset", metavar="PRESET", help="a preset's name or folder")
    add("source", metavar="IN", help="a picture file, or a folder of some")
    add("target", metavar="OUT", help="a file, or a folder for those of a folder")
    add("--tile", type=int, help="side of the squares larger pictures are cut into")
    add("--overlap", type=int, help="of the squares (16, or a quarter of the tile)")
    add("--reverse", action="store_true", help="the way back, of a CycleGAN")

    add = command("gallery", write_gallery)
    add("output", metavar="OUT", help="a folder, or a file ending in .html")
    add("presets", nargs="*", metavar="NAME", help="presets; by default all")

    add = command("export", export)
    add("preset", metavar="PRESET", help="a preset's name or folder")
    add("folder", metavar="FOLDER", help="where the SavedModel goes")
    return parser


def _add_sample(add):
    add("preset", metavar="PRESET", help="a preset's name or folder")
    add("-n", type=int, default=64, help="how many samples (%(default)s)")
    add("--seed", type=int, help="in [0, 2**31); without it, new ones every time")
    add("-o", "--output", default="samples.png", help="a PNG file (%(default)s)")
    add("--columns", type=int, help="samples a row; by default as square as it gets")
    add("--scale", type=int, default=2, help="size of a pixel (%(default)s)")
    add("--npy", action="store_true", help="write the array too, beside the picture")


def list_presets(options):
    """List the pretrained models."""
    from keras_gen import presets
    from keras_gen.training import batch

    rows = []
    for name in presets.list_presets(options.pattern):
        known = presets.info(name)
        metadata, metrics = known["metadata"], known.get("metrics", {})
        row = {
            "name": name,
            "class": known["config"]["class_name"],
            "parameters": sum(metadata["parameters"].values()),
            "bytes": metadata["weights"]["bytes"],
            "figure": metrics.get("headline"),
            "value": _headline(metrics),
        }
        rows.append(row)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    head = ("name", "class", "parameters", "size", "figure", "value")
    cells = [
        (
            row["name"],
            row["class"],
            f"{row['parameters']:,}",
            f"{row['bytes'] / 2**20:.1f} MiB",
            (row["figure"] or "").replace("_", " "),
            "" if row["value"] is None else f"{row['value']:.4g}",
        )
        for row in rows
    ]
    print(batch.columns(head, cells, "<<>><>"))


def _headline(metrics):
    figure = metrics.get("figures", {}).get(metrics.get("headline"), {})
    return figure.get("model", {}).get("value")


def info(options):
    """Print what is known of a preset, as JSON."""
    from keras_gen import presets

    print(json.dumps(presets.info(options.preset), indent=2))


def sample(options):
    """Draw samples of a preset into a picture."""
    path = pathlib.Path(options.output)
    if path.suffix.lower() != ".png":
        raise ValueError(f"Expected a file ending in .png. Received: {options.output}")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"Expected a folder that exists. Received: {str(path.parent)!r}"
        )
    for name in ("n", "columns", "scale"):
        if (value := getattr(options, name)) is not None and value < 1:
            raise ValueError(f"Expected {name} above 0. Received: {value}")
    import numpy as np

    from keras_gen import pictures, presets

    model = presets.from_preset(options.preset, compile=False)
    images = model.generate(options.n, seed=options.seed)
    sheet = pictures.grid(images, columns=options.columns)
    pictures.save_png(path, sheet, scale=options.scale)
    print(path)
    if options.npy:
        np.save(path.with_suffix(".npy"), images)
        print(path.with_suffix(".npy"))


def train(options):
    """Train a recipe; the same command goes on with a run that was stopped."""
    from keras_gen.training import batch

    batch.show_log()
    jobs = batch.plan([options.recipe], quick=options.quick)
    absent = [f"{job.recipe.name}: {job.skipped}" for job in jobs if job.skipped]
    if len(absent) == len(jobs):
        raise FileNotFoundError(
            f"Expected the data of a recipe. Received: {'; '.join(absent)}"
        )
    runs = batch.run_folder(options.runs, options.quick)
    status = batch.run(jobs, runs=runs, strategy=options.strategy)
    print(f"\n{batch.table(jobs)}")
    return status


def evaluate(options):
    """Measure a preset on the held-out data of its recipe."""
    from keras_gen import presets, training

    if options.samples is not None and options.samples < 10:
        raise ValueError(f"Expected at least 10 samples. Received: {options.samples}")
    if options.publish:
        if options.samples is not None or options.seed:
            raise ValueError(
                "Expected --publish alone, which keeps to the recipe's protocol. "
                "Received: --samples or --seed"
            )
        recipe = training.load_recipe(presets.find(options.preset))
        measured = training.publish_figures(presets.find(options.preset), recipe)
    else:
        measured = training.evaluate(
            options.preset,
            samples=options.samples,
            seed=options.seed,
            verbose=int(sys.stdout.isatty() and not options.json),
        )
    print(json.dumps(measured, indent=2) if options.json else _measured(measured))


def _measured(measured):
    """What was measured, as a table and the protocol in words."""
    from keras_gen import cards, metrics
    from keras_gen.training import batch

    present = {row for figure in measured["figures"].values() for row in figure}
    rows = [row for row in cards.ROWS if row in present]
    cells = [
        [metrics.CATALOGUE[name].title]
        + [cards.interval(figure[row]) if row in figure else "" for row in rows]
        for name, figure in measured["figures"].items()
    ]
    for name, value in measured["losses"].items():
        cells.append([name, f"{value:.6g}", *[""] * (len(rows) - 1)])
    head = ("figure", *(cards.ROWS[row] for row in rows))
    words = cards.protocol(measured["protocol"]).replace("`", "")
    return (
        f"{batch.columns(head, cells, '<' * len(head))}\n\nMeasured {words}. `loss` is "
        f"{measured['meaning']}. {measured['seconds']} s."
    )


def reproduce(options):
    """Train an entry again; exit 1 where its figure leaves the published interval."""
    from keras_gen import training
    from keras_gen.training import batch

    batch.show_log()
    found = training.reproduce(options.preset, quick=options.quick, runs=options.runs)
    print(
        f"{found['figure']} {found['value']:.6g}: published "
        f"{found['low']:.6g} to {found['high']:.6g}: "
        f"{'holds' if found['holds'] else 'does not hold'}"
    )
    return 0 if found["holds"] else 1


def translate(options):
    """Translate picture files: to another style, to colour, to a larger size."""
    from keras_gen import applications, presets

    model = presets.from_preset(options.preset, compile=False)
    verb = {"tile": options.tile, "overlap": options.overlap}
    if options.reverse:
        verb["reverse"] = True
    made = applications.translate_files(
        model, options.source, options.target, verbose=sys.stdout.isatty(), **verb
    )
    print(f"{len(made)} pictures in {options.target}" if len(made) != 1 else made[0])


def write_gallery(options):
    """Write one HTML page of the zoo: samples, figures, curves."""
    from keras_gen import gallery

    print(gallery.write(options.output, options.presets or None))


def export(options):
    """Write a preset as a SavedModel whose signatures are its verbs."""
    from keras_gen import presets

    try:
        presets.from_preset(options.preset).export(options.folder)
    except RuntimeError as error:  # another backend than TensorFlow
        raise ValueError(str(error)) from error
    print(options.folder)


if __name__ == "__main__":
    sys.exit(main())
