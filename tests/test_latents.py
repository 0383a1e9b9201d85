"""Arithmetic on codes: by closed forms, and through models."""

import conformance
import numpy as np
import pytest

from keras_gen import applications, pictures
from keras_gen.applications import lerp, slerp

SHARES = np.linspace(0, 1, 5)


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def angle(a, b):
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.arccos(np.clip(cosine, -1, 1))


# Between codes


@pytest.mark.parametrize("between", [lerp, slerp])
def test_rows_may_have_shares_of_their_own(between):
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 4, 5))
    shares = rng.uniform(size=(4, 2))
    path = between(first, second, shares)
    for row in range(4):
        alone = between(first[row : row + 1], second[row : row + 1], shares[row])
        np.testing.assert_allclose(path[row], alone[0], rtol=1e-12)


@pytest.mark.parametrize("between", [lerp, slerp])
@pytest.mark.parametrize("shape", [(6,), (2, 3, 4)])
def test_ways_start_and_end_at_their_ends(between, shape):
    first, second = vectors(4, *shape), vectors(4, *shape, seed=1)
    path = between(first, second, SHARES)
    assert path.shape == (4, 5, *shape)
    np.testing.assert_allclose(path[:, 0], first, atol=1e-14)
    np.testing.assert_allclose(path[:, -1], second, atol=1e-14)
    back = between(second, first, SHARES)
    np.testing.assert_allclose(back[:, ::-1], path, atol=1e-14)


def test_straight_lines_by_hand():
    path = lerp([[0.0, 4.0]], [[2.0, 0.0]], [0, 0.25, 1])
    np.testing.assert_array_equal(path, [[[0, 4], [0.5, 3], [2, 0]]])


def test_a_quarter_circle_by_hand():
    path = slerp([[3.0, 0.0]], [[0.0, 3.0]], [0, 1 / 3, 0.5, 1])
    half, root = 1.5, np.sqrt(3) / 2 * 3
    middle = 3 / np.sqrt(2)
    expected = [[3, 0], [root, half], [middle, middle], [0, 3]]
    np.testing.assert_allclose(path[0], expected, atol=1e-14)


def test_arcs_keep_lengths_and_a_constant_speed():
    first, second = vectors(8, 30), vectors(8, 30, seed=1)
    scale = np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    path = slerp(first, second * scale[:, None], SHARES)
    lengths = np.linalg.norm(path, axis=2)
    np.testing.assert_allclose(lengths, lengths[:, :1].repeat(5, 1), rtol=1e-13)
    steps = angle(path[:, :-1], path[:, 1:])
    whole = angle(first, second)[:, None]
    np.testing.assert_allclose(steps, np.tile(whole / 4, (1, 4)), rtol=1e-7)
    # A straight line between them is shorter at its middle.
    straight = np.linalg.norm(lerp(first, second * scale[:, None], SHARES), axis=2)
    assert (straight[:, 2] < lengths[:, 2]).all()


def test_arcs_between_unequal_lengths_pass_through_the_lengths_between():
    first, second = vectors(8, 30), 3 * vectors(8, 30, seed=1)
    lengths = np.linalg.norm(slerp(first, second, SHARES), axis=2)
    ends = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    np.testing.assert_allclose(lengths, lerp(*ends, SHARES), rtol=1e-13)


def test_arcs_between_parallel_vectors_are_straight():
    first = vectors(3, 7)
    for second in (first, 2 * first, first * (1 + 1e-12), first + 1e-9):
        path = slerp(first, second, SHARES)
        np.testing.assert_allclose(path, lerp(first, second, SHARES), atol=1e-12)


def test_arcs_that_are_none_are_refused():
    x = vectors(2, 5)
    with pytest.raises(ValueError, match="with a direction.*Received: one of zeros"):
        slerp(x, x * [[1], [0]], SHARES)
    with pytest.raises(ValueError, match="not opposite.*Received: opposite ones"):
        slerp(x, x * [[1], [-2]], SHARES)
    assert np.isfinite(slerp(x, -x + 1e-4, SHARES)).all()
    with pytest.raises(ValueError, match="Received: shapes .2, 5. and .1, 5."):
        lerp(x, x[:1], SHARES)


# Through models


def test_interpolations_run_between_reconstructions():
    model, x = conformance.make("Autoencoder"), conformance.images(6)
    for spherical in (False, True):
        made = applications.interpolate(
            model, x[:3], x[3:], steps=4, spherical=spherical
        )
        assert made.shape == (12, *conformance.IMAGE_SHAPE)
        assert made.dtype == np.float32
        rows = made.reshape(3, 4, *conformance.IMAGE_SHAPE)
        back = model.reconstruct(x)
        np.testing.assert_allclose(rows[:, 0], back[:3], atol=1e-5)
        np.testing.assert_allclose(rows[:, -1], back[3:], atol=1e-5)
        codes = model.encode(x)
        mixed = applications.interpolate(
            model, codes[:3], x[3:], steps=4, spherical=spherical
        )
        np.testing.assert_allclose(mixed, made, atol=1e-5)
    assert pictures.grid(made, columns=4).shape == (3 * 10 + 2, 4 * 10 + 2, 1)


def test_codes_with_places_are_moved_whole():
    model = conformance.make("ConvolutionalAutoencoder", code_channels=2)
    codes = model.encode(conformance.images(2))
    made = applications.interpolate(model, codes[:1], codes[1:], steps=3)
    np.testing.assert_allclose(made[1], model.decode(codes.mean(0)[None])[0], atol=1e-6)


def test_traversals_change_one_number_at_a_time():
    model = conformance.make("VAE")
    code = vectors(1, 4).astype("float32")
    made = applications.traverse(model, code, [2, 0], span=(-1, 1), steps=3)
    for k, (dimension, value) in enumerate((d, v) for d in (2, 0) for v in (-1, 0, 1)):
        moved = code.copy()
        moved[0, dimension] = value
        np.testing.assert_allclose(made[k], model.decode(moved)[0], atol=1e-6)
    x = conformance.images(1)
    np.testing.assert_allclose(
        applications.traverse(model, x, 1),
        applications.traverse(model, model.encode(x), [1]),
    )


def test_arithmetic_moves_by_the_difference_of_means():
    model, x = conformance.make("Autoencoder"), conformance.images(9)
    codes = model.encode(x)
    made = applications.arithmetic(model, x[:2], x[2:5], codes[5:], scale=0.5)
    moved = codes[:2] + 0.5 * (codes[2:5].mean(0) - codes[5:].mean(0))
    np.testing.assert_allclose(made, model.decode(moved), atol=1e-5)
    same = applications.arithmetic(model, x[:2], x[3:], x[3:])
    np.testing.assert_allclose(same, model.reconstruct(x[:2]), atol=1e-5)


def test_what_does_not_fit_is_refused():
    model, x = conformance.make("VAE"), conformance.images(2)
    with pytest.raises(ValueError, match="Expected at least 2 steps. Received: 1"):
        applications.interpolate(model, x, x, steps=1)
    with pytest.raises(ValueError, match="as many ends as starts"):
        applications.interpolate(model, x, x[:1])
    with pytest.raises(ValueError, match="Expected codes .*Received: shape .2, 3"):
        applications.interpolate(model, vectors(2, 3), x)
    for wrong in (4, -1, 0.5, [0, 9]):
        with pytest.raises(ValueError, match=r"ints in \[0, 4\). Received: "):
            applications.traverse(model, x[:1], wrong)
    for options in ({"steps": 1}, {"span": (0,)}, {"span": (0, np.inf)}):
        with pytest.raises(ValueError, match="Expected one start.*Received: 1 starts"):
            applications.traverse(model, x[:1], 0, **options)
    with pytest.raises(ValueError, match="Received: 2 starts"):
        applications.traverse(model, x, 0)
    with pytest.raises(ValueError, match="decodes real codes. Received: Classifier"):
        applications.interpolate(conformance.make("Classifier"), x, x)
    with pytest.raises(ValueError, match="decodes real codes. Received: VQVAE"):
        applications.interpolate(conformance.make("VQVAE"), x, x)
