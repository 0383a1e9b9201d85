"""How good samples are by how often a sampler calls the denoiser.

    python -m benchmarks.samplers                 all of it, and docs/samplers.png
    python -m benchmarks.samplers --quick         250 samples, no ancestral thousand
    python -m benchmarks.samplers --guidance      a conditional preset by its guidance
    python -m benchmarks.samplers --presets       the other presets, by few calls

Frechet distances of 2,500 samples of `ddpm_fashion_mnist` to the 10,000 test pictures,
by the features of `classifier_fashion_mnist`; the floor is that of 2,500 training
pictures. The other presets are measured against the held-out pictures of their recipes,
by the features that the zoo takes for those; where there are few of them the kernel
distance is the one to read. Samples are kept in the folder `runs/samplers`, a file for
every 125 of them, so that a run goes on where the last one ended; the seconds for a
thousand samples are those of the median file.
"""

import argparse
import math
import pathlib
import statistics
import time
import zlib

import numpy as np
from PIL import Image, ImageDraw

import keras_gen
from keras_gen import data, diffusion, metrics, training
from keras_gen.training import panels, sides

PRESET, CONDITIONAL = "ddpm_fashion_mnist", "ddpm_fashion_mnist_conditional"
CLASSES = {"DDPM", "ScoreModel", "EDM"}
SAMPLES, QUICK, FILE = 2500, 250, 125
FOLDER = pathlib.Path("runs") / "samplers"
PICTURE = pathlib.Path(__file__).parent.parent / "docs" / "samplers.png"
KARRAS = diffusion.KarrasLevels(sigma_max=80.0)
CALLS = (5, 10, 20, 50)
WEIGHTS = (0.0, 1.0, 1.5, 2.0, 3.0, 5.0)
# Samplers by name: functions of a number of calls to a sampler and the calls it makes.
SAMPLERS = {
    "DDIM": lambda n: (diffusion.DDIM(n), n),
    "DDIM, eta 1": lambda n: (diffusion.DDIM(n, eta=1.0), n),
    "DPM-Solver++": lambda n: (diffusion.DPMSolver(n, spacing=KARRAS), n),
    "Heun": lambda n: (
        diffusion.Heun((n + 1) // 2, spacing=KARRAS),
        (n + 1) // 2 * 2 - 1,
    ),
    "predictor-corrector": lambda n: (
        diffusion.PredictorCorrector(n // 2, spacing=KARRAS),
        n // 2 * 2,
    ),
    "annealed Langevin": lambda n: (
        diffusion.AnnealedLangevin(n // 5, spacing=KARRAS, repeats=4),
        n // 5 * 4 + 1,
    ),
    "ancestral": lambda n: (diffusion.Ancestral(n), n),
}


def cases(quick):
    """Rows of the table: name, sampler, calls."""
    for name, make in SAMPLERS.items():
        for calls in CALLS:
            yield (name, *make(calls))
    if not quick:
        yield ("ancestral", *SAMPLERS["ancestral"](1000))


def drawn(model, count, folder, labels=None, **options):
    """Samples by options of `generate`, from files where they are; and seconds each.

    The seconds are the median file's, the lower of two, so that the one that compiled
    does not count.

    Args:
        folder: of the model's samples; one within it is of these options alone.
        labels: ints (count,), the same in every run.
    """
    words = repr(sorted(options.items(), key=lambda item: item[0]))
    folder = folder / f"{zlib.crc32(words.encode()):08x}"
    folder.mkdir(parents=True, exist_ok=True)
    parts, seconds = [], []
    for k in range(count // FILE):
        path = folder / f"{k}.npz"
        if not path.is_file():
            if labels is not None:
                options["labels"] = labels[k * FILE : (k + 1) * FILE]
            start = time.perf_counter()
            images = model.generate(FILE, seed=k, verbose=False, **options)
            spent = time.perf_counter() - start
            temporary = path.with_suffix(".part.npz")
            np.savez_compressed(temporary, images=images, seconds=spent)
            temporary.replace(path)
        with np.load(path) as kept:
            parts.append(kept["images"])
            seconds.append(float(kept["seconds"]))
    return np.concatenate(parts), statistics.median_low(seconds) / FILE


def folder_of(preset):
    """Where samples are kept: another folder for other weights."""
    weights = keras_gen.info(preset)["metadata"]["weights"]["sha256"][:8]
    return FOLDER / f"{preset}_{weights}"


def measured(preset, model, sampled, count):
    """Name, calls, Frechet and kernel distance, seconds a thousand; the floor first.

    Args:
        model: the preset.
        sampled: rows of name, sampler, calls.
    """
    table = training.load_recipe(preset).tables["data"]
    (train, labels), (test, _) = (sides.load(table, s) for s in ("train", "validation"))
    if model.takes_labels():
        labels = panels.spread(labels, model.num_classes, count)
    else:
        labels = None
    extractor = metrics.find_extractor(metrics.default_extractor(test))
    real = metrics.features(test, extractor)

    def distances(images):
        fake = metrics.features(images, extractor)
        return metrics.frechet_distance(real, fake), metrics.kernel_distance(real, fake)

    floor = np.random.default_rng(0).choice(len(train), count, replace=False)
    yield "training pictures", 0, *distances(train[floor]), 0.0
    for name, sampler, calls in sampled:
        images, seconds = drawn(
            model, count, folder_of(preset), labels, sampler=sampler
        )
        yield name, calls, *distances(images), 1000 * seconds


def few(count):
    """The other presets by 10 and 20 calls: preset, then as `measured`."""
    for preset in keras_gen.list_presets():
        name = keras_gen.info(preset)["config"]["class_name"]
        if preset == PRESET or name not in CLASSES:
            continue
        model = keras_gen.from_preset(preset)
        levels = model.flow_levels()
        sampled = [("DDIM", diffusion.DDIM(n), n) for n in (10, 20)]
        sampled += [
            ("DPM-Solver++", diffusion.DPMSolver(n, spacing=levels), n)
            for n in (10, 20)
        ]
        for row in measured(preset, model, sampled, count):
            yield preset, *row


def guidance(preset, count):
    """Rows by guidance: weight, accuracy, coverage, Frechet distance."""
    extractor = metrics.find_extractor("classifier_fashion_mnist")
    real = metrics.features(data.load("fashion_mnist", "test")[0], extractor)
    model = keras_gen.from_preset(preset)
    labels, sampler = np.arange(count) % model.num_classes, model.default_sampler()
    for weight in WEIGHTS:
        images, _ = drawn(
            model, count, folder_of(preset), labels, guidance=weight, sampler=sampler
        )
        fake = metrics.features(images, extractor)
        accuracy = (extractor.classify(images).argmax(axis=1) == labels).mean()
        _, coverage = metrics.density_coverage(real[:count], fake)
        distance = metrics.frechet_distance(real, fake)
        yield weight, accuracy, coverage, distance


def plot(found, width=560, height=360, margin=50):
    """Distance by calls, both on logarithmic axes, a line for each sampler."""
    floor, points = found[0][2], found[1:]
    ends = [
        [math.log10(f(row[k] for row in points)) for f in (min, max)] for k in (1, 2)
    ]
    ends[1][0] = min(ends[1][0], math.log10(floor))
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)

    def place(calls, distance):
        shares = [
            (math.log10(v) - low) / (high - low)
            for v, (low, high) in zip((calls, distance), ends, strict=True)
        ]
        across = margin + shares[0] * (width - 3 * margin)
        return across, height - margin - shares[1] * (height - 2 * margin)

    for calls in sorted({row[1] for row in points}):
        x, _ = place(calls, floor)
        draw.line([(x, margin), (x, height - margin)], fill="lightgray")
        draw.text((x, height - margin + 6), str(calls), fill="black")
    y = place(10 ** ends[0][0], floor)[1]
    draw.line([(margin, y), (width - 2 * margin, y)], fill="gray")
    draw.text((4, y - 6), f"{floor:.2g}", fill="gray")
    for k, name in enumerate(SAMPLERS):
        color = f"hsl({360 * k // len(SAMPLERS)}, 80%, 40%)"
        line = [place(*row[1:3]) for row in points if row[0] == name]
        draw.line(line, fill=color, width=2)
        draw.text((line[-1][0] + 4, line[-1][1] - 6), name, fill=color)
    draw.text((margin, 8), "Frechet distance by calls of the denoiser", fill="black")
    return sheet


def main(argv=None):
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--guidance", action="store_true", help="by guidance instead")
    parser.add_argument("--presets", action="store_true", help="the others instead")
    options = parser.parse_args(argv)
    count = QUICK if options.quick else SAMPLES
    if options.guidance:
        print("| guidance | conditional accuracy | coverage | Frechet distance |")
        print("| --- | --- | --- | --- |")
        for weight, accuracy, coverage, distance in guidance(CONDITIONAL, count):
            print(f"| {weight} | {accuracy:.1%} | {coverage:.3f} | {distance:.2f} |")
        return
    columns = "sampler | calls | Frechet distance | kernel distance | seconds for 1,000"
    cells = "{} | {} | {:.2f} | {:.3f} | {:.1f} |"
    if options.presets:
        print(f"| preset | {columns} |\n|{' --- |' * 6}")
        for row in few(count):
            print(f"| {{}} | {cells}".format(*row), flush=True)
        return
    print(f"| {columns} |\n|{' --- |' * 5}")
    found = []
    model = keras_gen.from_preset(PRESET)
    for row in measured(PRESET, model, cases(options.quick), count):
        found.append(row)
        print(f"| {cells}".format(*row), flush=True)
    if not options.quick:
        plot(found).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
