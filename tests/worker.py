"""One worker: trains tiny models and writes their states; see test_distribution.

Run as `python worker.py STRATEGY OUT.npz NAME...`, with TF_CONFIG for several.
"""

import sys

import conformance
import numpy as np

from keras_gen import engine


def train(names):
    """States and losses after an epoch with noise, a dict of arrays."""
    results = {}
    for name in names:
        model = conformance.make(name)
        model.compile()
        x = conformance.examples(name, 16)
        held_out = conformance.examples(name, 8, seed=1)
        history = model.fit(
            x,
            conformance.labels(name, 16),
            validation_data=(held_out, conformance.labels(name, 8)),
            batch_size=8,
            verbose=0,
        ).history
        for key, value in history.items():
            results[f"{name}/{key}"] = np.ravel(value)
        for i, value in enumerate(conformance.state(model)):
            results[f"{name}/state/{i}"] = value
        if model.samples():
            results[f"{name}/samples"] = model.generate(4, seed=0)
    return results


if __name__ == "__main__":
    strategy, out, *class_names = sys.argv[1:]
    with engine.backend.make_strategy(strategy):
        arrays = train(class_names)
        arrays["chief"] = np.array(engine.backend.is_chief())
    np.savez(out, **arrays)
