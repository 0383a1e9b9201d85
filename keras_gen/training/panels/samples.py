"""Figures of what models draw, and of how likely they take held-out pictures."""

from keras_gen import metrics
from keras_gen.training import sides
from keras_gen.training.panels.bench import DISTANCE_RESAMPLES, RESAMPLES, flat

NEAREST = 1000  # samples whose neighbours are looked for
LIKELIHOOD_ROWS, DRAWS = 1000, 500
DIFFUSED_ROWS = 256  # pictures whose likelihood a diffusion model is asked for


def samples(bench):
    """Distances and neighbourhoods of samples against held-out pictures."""
    rows = {}
    common = {"resamples": RESAMPLES, "seed": bench.seed}
    fewer = {**common, "resamples": DISTANCE_RESAMPLES}
    real = bench.features["real"]
    for row, fake in bench.features.items():
        if row == "real":
            continue
        found = {}
        if bench.wants("frechet_distance"):
            found["frechet_distance"] = metrics.frechet_distance(real, fake, **fewer)
        if bench.wants("kernel_distance"):
            found["kernel_distance"] = metrics.kernel_distance(
                real, fake, subsets=None, **fewer
            )
        if bench.wants("precision", "recall"):
            pair = metrics.precision_recall(real, fake, **common)
            found |= dict(zip(("precision", "recall"), pair))
        if bench.wants("density", "coverage"):
            pair = metrics.density_coverage(real, fake, **common)
            found |= dict(zip(("density", "coverage"), pair))
        if bench.wants("classifier_score"):
            found["classifier_score"] = _classifier_score(bench.classified[row], bench)
        if bench.wants("class_balance"):
            found["class_balance"] = _class_balance(bench.classified, row, common)
        for name, estimate in found.items():
            rows.setdefault(name, {})[row] = estimate
    return rows


def _class_balance(classified, row, common):
    fake, real = (classified[name].argmax(axis=1) for name in (row, "real"))
    classes = classified[row].shape[1]
    return metrics.class_balance(fake, real, classes, **common)


def _classifier_score(probabilities, bench):
    splits = min(10, len(probabilities))
    value, deviation = metrics.inception_score(
        probabilities, splits=splits, seed=bench.seed
    )
    half = 1.96 * deviation / splits**0.5
    return metrics.Estimate(value, value - half, value + half)


def copies(bench):
    """Whether samples repeat training pictures, or each other; by pixels."""
    rows, fake = {}, flat(bench.fake[:NEAREST])
    train = flat(bench.train)
    common = {"resamples": RESAMPLES, "seed": bench.seed}
    if bench.wants("memorisation"):
        held_out = flat(bench.real[:NEAREST])
        found = metrics.memorisation(fake, train, held_out, **common)
        rows["memorisation"] = {"model": found}
    # The threshold comes from as many real pictures as there are samples.
    if bench.wants("duplicates") and len(fake) <= len(train):
        found = metrics.duplicates(fake, reference=train, **common)
        rows["duplicates"] = {"model": found}
    return rows


def conditions(bench):
    """How often samples of a class are seen as it by the extractor's classifier."""
    rows = {}
    for row in bench.ways:
        hits = metrics.conditional_accuracy(bench.classified[row], bench.labels)
        rows[row] = bench.mean(hits)
    return {"conditional_accuracy": rows}


def paths(bench):
    """How evenly pictures change between latents."""
    found = metrics.perceptual_path_length(
        bench.model, extractor=bench.extractor, resamples=RESAMPLES, seed=bench.seed
    )
    return {"perceptual_path_length": {"model": found}}


def likelihoods(bench):
    """Bounds of the log-likelihood of held-out pictures."""
    images, labels = bench.held_out
    rows = slice(LIKELIHOOD_ROWS)
    given = bench.given(images[rows], None if labels is None else labels[rows])
    options = {"samples": DRAWS, "seed": bench.seed}
    found = {}
    for row, model in bench.models_with("log_weights").items():
        weights = model.log_weights(*given, **options)
        nats = metrics.importance_weighted(weights)
        values = {"elbo": weights.mean(axis=1), "log_likelihood": nats}
        if model.likelihood.eight_bit:
            values["bits_per_dim"] = metrics.bits_per_dim(-nats, images[0].size)
        for name, each in values.items():
            found.setdefault(name, {})[row] = bench.mean(each)
    return found


def diffused_likelihoods(bench):
    """Bits a dimension of held-out pictures by a diffusion model's two likelihoods."""
    images, labels = bench.held_out
    rows = slice(DIFFUSED_ROWS)
    given = bench.given(images[rows], None if labels is None else labels[rows])
    found = {}
    for figure, verb in (
        ("flow_bits_per_dim", "log_likelihood"),
        ("bound_bits_per_dim", "variational_bound"),
    ):
        if hasattr(bench.model, verb) and bench.wants(figure):
            nats = getattr(bench.model, verb)(*given, seed=bench.seed)
            bits = metrics.bits_per_dim(-nats, images[0].size)
            found[figure] = {"model": bench.mean(bits)}
    return found


def classification(bench):
    """How often held-out pictures are put into their class; all of them."""
    images, labels = sides.load(bench.table, "validation")
    hits = bench.model.classify(images).argmax(axis=1) == labels
    return {"accuracy": {"model": bench.mean(hits)}}
