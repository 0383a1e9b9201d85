"""Anomaly detection: what it finds, what it refuses, and scikit-learn's own checks."""

import pickle

import conformance
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import check_estimator

from keras_gen.applications import AnomalyDetector
from keras_gen.applications.anomaly import conformal_threshold

QUICK = {"updates": 60, "hidden": (32,), "batch_size": 32, "random_state": 0}
FEW = (
    "expects a share of the rows fitted to to be called outliers; the threshold bounds "
    "false alarms by rows held back, and so few of them call none"
)
# Checks of scikit-learn that do not fit what a detector promises, and why.
EXPECTED = {"check_outliers_train": FEW, "check_outliers_fit_predict": FEW}


def normal(n, seed=0):
    """Rows (n, 6) near a curved surface of two dimensions, in units of thousands."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-2, 2, (2, n))
    rows = np.stack([a, b, a * b, np.sin(2 * a), a**2, np.cos(b)], axis=1)
    return 1000 * (rows + rng.normal(0, 0.02, rows.shape))


def strange(n, seed=1):
    """The same columns, each shuffled by itself: no single value is unusual."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(c) for c in normal(n, seed).T], axis=1)


@pytest.fixture(scope="module")
def detector():
    return AnomalyDetector(**QUICK | {"updates": 600}).fit(normal(1500))


def test_rows_that_break_the_pattern_score_lower(detector):
    rows = np.concatenate([normal(400, 2), strange(400)])
    truth = np.repeat([1, 0], 400)
    assert roc_auc_score(truth, detector.score_samples(rows)) > 0.95


def test_false_alarms_keep_to_their_rate(detector):
    alarms = (detector.predict(normal(2000, 3)) == -1).mean()
    assert alarms < 0.12
    assert (detector.predict(strange(500)) == -1).mean() > 0.5
    np.testing.assert_allclose(
        detector.decision_function(normal(9, 4)),
        detector.score_samples(normal(9, 4)) - detector.offset_,
    )


def test_the_threshold_is_the_rank_that_bounds_the_chance_of_an_alarm():
    scores = np.arange(1, 100) / 100  # 99 of them: 5 % of 100 ranks are 5
    threshold = conformal_threshold(scores, 0.05)
    assert (scores < threshold).sum() in (4, 5)
    assert conformal_threshold(scores[:9], 0.05) <= scores[0]


def test_pictures_are_scored_through_a_given_model():
    images = conformance.images(40)
    model = conformance.make("ConvolutionalAutoencoder")
    before = model.get_weights()
    detector = AnomalyDetector(model, random_state=0).fit(images)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    mirrored = images[:, ::-1, ::-1]
    upright = detector.score_samples(conformance.images(20, seed=5))
    assert upright.mean() > detector.score_samples(255 - mirrored).mean()
    with pytest.raises(ValueError, match=r"Expected images.*Received"):
        detector.score_samples(images[:, :5])


def test_a_detector_survives_pickling(detector):
    again = pickle.loads(pickle.dumps(detector))
    rows = normal(20, 6)
    np.testing.assert_allclose(
        again.score_samples(rows), detector.score_samples(rows), rtol=1e-5
    )


@pytest.mark.parametrize(
    "options", [{"false_alarm_rate": 0}, {"held_back": 1}, {"neighbors": 0}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"Expected .*Received"):
        AnomalyDetector(**options).fit(normal(20))


@pytest.mark.slow
def test_it_is_an_estimator_of_scikit_learn():
    results = check_estimator(
        AnomalyDetector(updates=20, hidden=(16,)), expected_failed_checks=EXPECTED
    )
    failed = {r["check_name"] for r in results if r["status"] == "xfail"}
    assert failed == set(EXPECTED)
