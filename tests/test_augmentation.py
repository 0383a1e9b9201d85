"""Generated training pictures: what is asked for, in order, and what is refused."""

import conformance
import numpy as np
import pytest

from keras_gen.applications import augment


@pytest.mark.parametrize("name", ["ConditionalGAN", "ConditionalVAE"])
def test_examples_come_in_the_order_of_the_labels(name, tmp_path):
    model = conformance.make(name)
    images, labels = augment(model, [2, 0, 2], 3, seed=5)
    assert labels.tolist() == [2, 2, 2, 0, 0, 0, 2, 2, 2]
    assert images.shape == (9, *conformance.IMAGE_SHAPE)
    expected = model.generate(9, labels=labels, seed=5)
    np.testing.assert_array_equal(images, expected)
    assert np.abs(images[:3] - images[6:]).max() > 1e-3  # not the same ones twice
    model.save_to_preset(tmp_path / "preset")
    again, _ = augment(tmp_path / "preset", [2, 0, 2], 3, seed=5)
    np.testing.assert_allclose(again, images, atol=1e-6)


def test_one_label_and_options_of_generate():
    model = conformance.make("ConditionalGAN")
    images, labels = augment(model, 1, 4, truncation=0.5)
    assert labels.tolist() == [1] * 4
    expected = model.generate(4, labels=1, seed=0, truncation=0.5)
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize(
    ("name", "labels", "n"),
    [
        ("GAN", [0], 1),
        ("VAE", [0], 1),
        ("ConditionalGAN", [3], 1),
        ("ConditionalGAN", [-1], 1),
        ("ConditionalGAN", [0.5], 1),
        ("ConditionalGAN", [], 1),
        ("ConditionalGAN", [0], 0),
        ("ConditionalGAN", [0], 1.5),
        ("ConditionalGAN", [0], True),
    ],
)
def test_what_cannot_be_augmented_is_refused(name, labels, n):
    with pytest.raises(ValueError, match=r"Expected .*Received: "):
        augment(conformance.make(name), labels, n)
