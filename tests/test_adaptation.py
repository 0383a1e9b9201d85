"""Labelled pictures of another style: what is translated, and what is refused."""

import conformance
import numpy as np
import pytest

import keras_gen
from benchmarks import adaptation, augmentation
from keras_gen.applications import adapt

PICTURES = conformance.images(3)
LABELS = np.array([4, 0, 2])


def test_pictures_are_translated_and_keep_their_labels(tmp_path):
    model = conformance.make("CycleGAN")
    pictures, labels = adapt(model, PICTURES, LABELS)
    np.testing.assert_array_equal(pictures, model.translate(PICTURES))
    assert labels.tolist() == [4, 0, 2]
    model.save_to_preset(tmp_path / "preset")
    again, _ = adapt(tmp_path / "preset", PICTURES, LABELS)
    np.testing.assert_allclose(again, pictures, atol=1e-6)


def test_translated_in_reverse_and_beside_the_given_ones():
    model = conformance.make("CycleGAN")
    raw = np.uint8(np.round(255 * PICTURES))
    pictures, labels = adapt(model, raw, LABELS, keep=True, reverse=True)
    expected = [model.translate(raw, reverse=True), raw.astype("float32") / 255]
    np.testing.assert_array_equal(pictures, np.concatenate(expected))
    assert labels.tolist() == [4, 0, 2, 4, 0, 2]


@pytest.mark.parametrize(
    ("name", "labels"), [("VAE", LABELS), ("CycleGAN", LABELS[:2]), ("CycleGAN", 1)]
)
def test_what_cannot_be_adapted_is_refused(name, labels):
    with pytest.raises(ValueError, match=r"Expected .*Received: "):
        adapt(conformance.make(name), PICTURES, labels)


def test_the_benchmark_trains_in_one_style_and_tests_in_the_other(monkeypatch):
    for module in (adaptation, augmentation):
        monkeypatch.setattr(module, "UPDATES", 2)
        monkeypatch.setattr(module, "BATCH", 4)
    sizes = {"image_shape": (32, 32, 3), "filters": (4,), "blocks": 1}
    model = keras_gen.CycleGAN(**sizes, critic_filters=4, receptive_field=16)
    found = adaptation.rows("noto", "twemoji", model, seeds=2)
    assert list(found) == [
        "Noto",
        "Noto; the test translated to it",
        "Noto, translated",
        "Noto, as it is and translated",
        "Twemoji",
    ]
    assert all(len(v) == 2 and 0 <= min(v) <= max(v) <= 1 for v in found.values())
    lines = augmentation.table(found).splitlines()
    assert len(lines) == 7
    assert lines[2].endswith("|  |")
