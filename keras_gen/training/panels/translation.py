"""How near translated pictures are to the true ones, beside the simple tools."""

import numpy as np
from PIL import Image

from keras_gen import layers, metrics
from keras_gen.applications import restoring
from keras_gen.metrics.perceptual import has_maps
from keras_gen.training.panels.autoencoders import EXACT
from keras_gen.training.panels.bench import DISTANCE_RESAMPLES, flat, to_unit

PIXELWISE = {
    "translated_l1": metrics.mean_absolute_error,
    "translated_psnr": lambda x, y: np.minimum(metrics.psnr(x, y), EXACT),
    "translated_ssim": metrics.ssim,
}
PERCEPTUAL = "perceptual_distance"
APART = ("feature_distance", "frechet_distance", "kernel_distance")  # in features
BACK = "back_feature_distance"  # from the second kind of pictures to the first
GAIN, BACK_GAIN = "perceptual_gain", "back_perceptual_gain"  # of those that go back
FIGURES = (*PIXELWISE, PERCEPTUAL, GAIN, BACK_GAIN, *APART, BACK)
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


def translates(model):
    """Whether a model makes pictures of pictures."""
    return hasattr(model, "translate")


def translated(bench):
    """Errors and distances of translated held-out pictures.

    Of a model of unpaired pictures these are measured where the recipe says, by
    `pairs` in `[evaluate]`, that the held-out ones are pairs; else its distances alone.
    """
    inputs, targets = _pairs(bench, bench.real, bench.held_out[1])
    made = {row: m.translate(inputs) for row, m in bench.models.items()}
    if bench.rivals:
        made |= _tools(bench, inputs, targets)
    paired = "unpaired" not in bench.table or bench.options.get("pairs", False)
    rows = {}
    for name, error in PIXELWISE.items():
        if paired and bench.wants(name):
            rows[name] = {k: bench.mean(error(targets, x)) for k, x in made.items()}
    back = None
    if paired and hasattr(bench.model, "translate_back"):
        back = bench.model.translate(targets, reverse=True)
    if (
        paired
        and bench.wants(PERCEPTUAL, GAIN, BACK_GAIN)
        and has_maps(bench.extractor)
    ):
        rows |= _perceptual(bench, inputs, targets, made, back)
    if not bench.wants(*APART, BACK):
        return rows
    real = metrics.features(targets, bench.extractor)
    features = {k: metrics.features(x, bench.extractor) for k, x in made.items()}
    options = {"resamples": DISTANCE_RESAMPLES, "seed": bench.seed}
    rows["frechet_distance"] = {
        k: metrics.frechet_distance(real, x, **options) for k, x in features.items()
    }
    rows["kernel_distance"] = {
        k: metrics.kernel_distance(real, x, **options) for k, x in features.items()
    }
    if not paired:
        return rows
    rows["feature_distance"] = {k: _apart(bench, real, x) for k, x in features.items()}
    if back is not None:
        before = metrics.features(inputs, bench.extractor)
        back = {"model": metrics.features(back, bench.extractor), "noisy": real}
        rows[BACK] = {k: _apart(bench, before, x) for k, x in back.items()}
    return rows


def _perceptual(bench, inputs, targets, made, back):
    """Distances to the true pictures and, beside each, what translating gains."""

    def apart(truth, pictures):
        return metrics.perceptual_distance(truth, pictures, bench.extractor)

    distances = {k: apart(targets, x) for k, x in made.items()}
    rows = {PERCEPTUAL: {k: bench.mean(x) for k, x in distances.items()}}
    if back is not None:
        before = apart(targets, inputs)  # both ways
        rows[GAIN] = {"model": bench.mean(before - distances["model"])}
        rows[BACK_GAIN] = {"model": bench.mean(before - apart(inputs, back))}
    return rows


def _apart(bench, features, others):
    """Mean distance of features (n, d) to those beside them, with its interval."""
    return bench.mean(np.linalg.norm(features - others, axis=1))


def _pairs(bench, first, second):
    """(inputs, targets) float32 in [0, 1], of a split's two arrays."""
    if bench.model.corruption is not None:
        targets = to_unit(first)
        return bench.model.corrupt(targets), targets
    return to_unit(first), to_unit(second)


def _tools(bench, inputs, targets):
    """Row's name to what a simple tool makes of the inputs."""
    if inputs.shape != targets.shape:
        size = targets.shape[1:3]
        for name in FILTERS:
            bench.words[name] = f"Pillow's {name} interpolation"
        made = {name: _resized(inputs, size, kind) for name, kind in FILTERS.items()}
    else:
        bench.words["noisy"] = "the pictures before"
        made = {"noisy": inputs}
    train = _pairs(bench, *bench.training_set)
    if "unpaired" in bench.table:
        if train[1].shape[1:] == inputs.shape[1:]:
            _, nearest = metrics.nearest_neighbours(flat(inputs), flat(train[1]))
            made["neighbour"] = train[1][nearest]
            bench.words["neighbour"] = "the nearest training picture of the other kind"
        return made
    if isinstance(bench.model.corruption, layers.Greyscale):
        tool = restoring.LevelColours().fit(train[1])
        made["tool"] = tool.colorize(inputs[..., :1])
        bench.words["tool"] = "the mean colour of each grey level in training pictures"
    _, nearest = metrics.nearest_neighbours(flat(inputs), flat(train[0]))
    made["neighbour"] = train[1][nearest]
    bench.words["neighbour"] = "the target of the nearest training input in pixels"
    return made


def _resized(images, size, kind):
    """Pictures float32 (n, h, w, c) in [0, 1] by one of Pillow's filters, clipped."""
    planes = np.moveaxis(images, -1, 1)
    made = [
        [np.asarray(Image.fromarray(plane).resize(size[::-1], kind)) for plane in image]
        for image in planes
    ]
    return np.clip(np.moveaxis(np.array(made), 1, -1), 0.0, 1.0)
