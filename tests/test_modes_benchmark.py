"""The modes benchmark: its rows train, and its table and picture say what was found."""

import keras
import numpy as np
import pytest

from benchmarks import modes
from keras_gen import losses, metrics
from keras_gen.metrics.modes import ModeCoverage


def test_every_row_names_a_model_of_points():
    for make, keywords in modes.ROWS.values():
        options = dict(keywords(100))
        for other in ("rates", "decay", "average"):
            options.pop(other, None)
        assert make(options).data_shape() == (2,)


def test_rows_are_compiled_as_they_ask():
    make, keywords = modes.ROWS["two time scales"]
    model = modes.compiled(make, keywords(100), seed=0)
    rates = {n: float(model.optimizer[n].learning_rate) for n in model.networks}
    assert rates == pytest.approx({"critic": 4e-3, "generator": 1e-3})
    model = modes.compiled(modes.gan, {"decay": 100, "average": 0.9}, seed=0)
    assert model.averaged("generator") is not model.generator
    rate = model.optimizer["critic"].learning_rate
    assert float(rate) == pytest.approx(1e-3)


def test_a_row_trains_and_is_measured():
    target = modes.TARGETS["ring of 8"]
    samples, coverage = modes.points(modes.PLAIN, target, updates=20, seed=0)
    assert samples.shape == (2500, 2)
    assert coverage == metrics.mode_coverage(samples, target)


def test_the_table_has_means_and_extremes():
    found = [ModeCoverage(8, 0.9, 0.5), ModeCoverage(7, 1.0, 0.25)]
    assert modes.cells("a", "b", found) == (
        "| b | a | 7.5 (7 to 8) | 95.0% (90.0% to 100.0%) | 0.375 (0.250 to 0.500) |"
    )
    assert modes.cells("a", "b", found[:1]) == "| b | a | 8 | 90.0% | 0.500 |"


def test_the_picture_shows_samples_where_they_are():
    inside, outside = np.array([[0.0, 0.0]]), np.array([[9.0, 0.0]])
    sheet = np.array(modes.picture({"": [inside, outside]}, side=10))
    rows, columns = np.nonzero(sheet == 0)
    assert (rows.tolist(), columns.tolist()) == ([5], [235])


def test_stacked_models_differ_by_what_cures():
    plain = modes.stacked_model(modes.PLAIN, 100)
    best = modes.stacked_model(modes.BEST, 100)
    assert plain.data_shape() == best.data_shape() == (28, 28, 3)
    assert not plain.penalties
    assert isinstance(best.adversarial_loss, losses.RelativisticPairing)
    normalised = keras.layers.BatchNormalization
    assert any(isinstance(x, normalised) for x in plain.critic.layers)
    assert not any(isinstance(x, normalised) for x in best.critic.layers)


def test_unknown_rows_are_refused(capsys):
    with pytest.raises(SystemExit):
        modes.main(["nothing"])
    assert "Expected some of" in capsys.readouterr().err
