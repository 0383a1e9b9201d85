"""The samplers benchmark: true counts, samples that resume, a plot."""

import conformance
import numpy as np
import pytest
import tensorflow as tf
from gaussians import optimal, seeded
from PIL import ImageColor

from benchmarks import samplers
from keras_gen import diffusion


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_calls_are_those_made(name):
    sampler, calls = samplers.SAMPLERS[name](10)
    levels, made = sampler.path(diffusion.LinearSchedule()), []

    def denoise(x, sigma):
        made.append(float(sigma))
        return optimal(x, sigma)

    tf.config.run_functions_eagerly(True)
    try:
        seeded(lambda: sampler(denoise, levels, levels[0] * tf.ones((2, 3))))
    finally:
        tf.config.run_functions_eagerly(False)
    assert len(made) == calls
    assert abs(calls - 10) <= 1


def test_samples_go_on_where_they_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(samplers, "FILE", 4)
    model = conformance.make("DDPM")
    model.compile()
    options = {"sampler": diffusion.DDIM(3)}
    whole, seconds = samplers.drawn(model, 8, tmp_path / "a", **options)
    assert whole.shape[0] == 8
    assert seconds > 0
    kept, lost = sorted(tmp_path.rglob("*.npz"))
    lost.unlink()
    first = kept.stat().st_mtime_ns
    again, _ = samplers.drawn(model, 8, tmp_path / "a", **options)
    assert np.array_equal(whole, again)
    assert kept.stat().st_mtime_ns == first
    assert np.abs(whole[:4] - whole[4:]).max() > 1e-3
    other, _ = samplers.drawn(model, 4, tmp_path / "a", sampler=diffusion.DDIM(4))
    assert np.abs(whole[:4] - other).max() > 1e-3


def test_each_file_has_its_own_labels(tmp_path, monkeypatch):
    monkeypatch.setattr(samplers, "FILE", 3)
    model = conformance.make("EDM")
    model.compile()
    options = {"sampler": diffusion.Heun(2), "guidance": 2.0}
    labels = np.array([0, 1, 2, 2, 2, 0])
    found, _ = samplers.drawn(model, 6, tmp_path, labels, **options)
    for k, rows in enumerate((slice(3), slice(3, 6))):
        expected = model.generate(3, seed=k, labels=labels[rows], **options)
        np.testing.assert_array_equal(found[rows], expected)


def test_the_plot_has_a_line_for_each_sampler():
    rows = [("training pictures", 0, 0.9, 0.01, 0.0)]
    rows += [
        (name, n, (k + 2) * 100 / n, 0.1, 1.0)
        for k, name in enumerate(samplers.SAMPLERS)
        for n in (5, 50)
    ]
    sheet = np.array(samplers.plot(rows))
    assert sheet.shape == (360, 560, 3)
    for k in range(len(samplers.SAMPLERS)):
        hue = ImageColor.getrgb(f"hsl({360 * k // len(samplers.SAMPLERS)}, 80%, 40%)")
        # From the axis at 5 calls to that at 50, and the name behind.
        columns = np.flatnonzero((sheet == hue).all(axis=2).any(axis=0))
        assert columns[0] <= 52
        assert set(range(52, 400)) <= set(columns.tolist())
