"""Figures of models with an encoder and a decoder, beside the simple tools."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_gen import metrics
from keras_gen.training.panels.bench import RESAMPLES, flat, to_unit

EXACT = 100.0  # decibels that a picture without any error counts as
SSIM_WINDOW = 11  # sides that it needs
NOISE = 1000  # pictures of nothing but noise
LABELS = 1000  # of a linear probe


def reconstructions(bench):
    """Errors of reconstructed held-out examples, PCA of the code's size beside."""
    real = to_unit(bench.real)
    given = bench.given(*bench.held_out)
    made = {row: model.reconstruct(*given) for row, model in bench.models.items()}
    if axes := _pca(bench):
        back = axes.inverse_transform(axes.transform(flat(bench.real)))
        bounded = np.clip(back, 0, 1) if real.ndim == 4 else back
        made["pca"] = bounded.reshape(real.shape).astype("float32")
        bench.words["pca"] = f"principal components, {axes.n_components_} of them"
    measures = {"mse": metrics.mean_squared_error}
    if real.ndim == 4:
        measures["psnr"] = _finite_psnr
        if min(real.shape[1:3]) >= SSIM_WINDOW:
            measures["ssim"] = metrics.ssim
    return {
        name: {row: bench.mean(measure(real, x)) for row, x in made.items()}
        for name, measure in measures.items()
        if bench.wants(name)
    }


def _pca(bench):
    """Principal components of as many numbers as a code has, None where none fit."""
    model, train = bench.model, bench.train
    size = int(np.prod(model.code_shape()))
    limit = min(len(train), int(np.prod(train.shape[1:])))
    wanted = bench.rivals and model.code_dtype == "float32" and size < limit
    return PCA(size, random_state=bench.seed).fit(flat(train)) if wanted else None


def _finite_psnr(real, pictures):
    return np.minimum(metrics.psnr(real, pictures), EXACT)


def foreign(bench):
    """How much worse than data pictures of uniform noise come back.

    A network that has learnt the identity gives 1.
    """
    rng = np.random.default_rng(bench.seed)
    noise = rng.random((NOISE, *bench.real.shape[1:]), "float32")
    real = bench.real[:NOISE]
    rows = {}
    for row, model in bench.models.items():
        known = metrics.mean_squared_error(to_unit(real), model.reconstruct(real))
        errors = metrics.mean_squared_error(noise, model.reconstruct(noise))
        rows[row] = bench.mean(errors / known.mean())
    return {"noise_error": rows}


def activations(bench):
    """How active a sparse code's units are, and how often exactly silent."""
    rows = {"mean_activation": {}, "zeros": {}}
    for row, model in bench.models.items():
        codes = model.encode(bench.real)
        rows["mean_activation"][row] = bench.mean(codes.mean(axis=1))
        rows["zeros"][row] = bench.mean((codes == 0).mean(axis=1))
    target = getattr(bench.model.sparsity, "target", None)
    if target is not None and bench.rivals:
        rows["mean_activation"]["target"] = bench.mean([target])
        bench.words["target"] = "what the penalty asks for"
    return rows


def codebook(bench):
    """exp of the entropy of the codes in use: as many equally frequent ones."""
    codes = bench.model.encode(bench.real)
    flat_codes = codes.reshape(len(codes), -1)
    size = int(flat_codes.max()) + 1
    counts = np.stack([np.bincount(row, minlength=size) for row in flat_codes])

    def perplexity(weights):
        shares = weights @ counts / (weights @ counts).sum()
        return np.exp(-np.sum(shares * np.log(np.maximum(shares, 1e-300))))

    every = len(codes)
    rng = np.random.default_rng(bench.seed)
    resamples = rng.multinomial(every, np.full(every, 1 / every), RESAMPLES)
    ends = np.percentile([perplexity(weights) for weights in resamples], [2.5, 97.5])
    estimate = metrics.Estimate(perplexity(np.ones(every)), *ends)
    return {"codebook_perplexity": {"model": estimate}}


def contraction(bench):
    """Squared norms of the encoder's Jacobian at held-out pictures."""
    images = bench.real[:NOISE]
    return {
        "jacobian_norm": {
            row: bench.mean(model.contraction_norms(images))
            for row, model in bench.models_with("contraction_norms").items()
        }
    }


def probe(bench):
    """Accuracy of logistic regression on codes, by at most 1,000 labels.

    The labels are as many of every class as there are; empty where there are none.
    """
    (train, classes), (real, labels) = bench.training_set, bench.held_out
    if classes is None:
        return {}
    rows = _balanced(classes, bench.seed)
    coders = {row: model.encode for row, model in bench.models.items()}
    if axes := _pca(bench):
        coders["pca"] = lambda examples: axes.transform(flat(examples))
    return {
        "probe_accuracy": {
            row: _probed(bench, code, train[rows], classes[rows], real, labels)
            for row, code in coders.items()
        }
    }


def _probed(bench, code, train, classes, real, labels):
    regression = LogisticRegression(max_iter=2000)
    pipeline = make_pipeline(StandardScaler(), regression)
    pipeline.fit(code(train).reshape(len(train), -1), classes)
    found = pipeline.predict(code(real).reshape(len(real), -1))
    return bench.mean(found == labels)


def _balanced(classes, seed):
    """Rows of the same number of examples of every class, at most LABELS in all."""
    kinds, counts = np.unique(classes, return_counts=True)
    each = min(counts.min(), LABELS // len(kinds))
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(np.flatnonzero(classes == kind))[:each] for kind in kinds]
    return np.sort(np.concatenate(rows))
