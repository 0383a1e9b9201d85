"""Picture metrics against scikit-image, SciPy and hand-worked numbers."""

import math

import numpy as np
import pytest
import scipy.signal
import skimage.data
import skimage.metrics

from keras_gen.metrics import pictures

METRICS = [
    pictures.mean_squared_error,
    pictures.mean_absolute_error,
    pictures.psnr,
    pictures.ssim,
    pictures.ms_ssim,
]
# scikit-image's options for the same windows
WINDOWS = {
    "gaussian": {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
    },
    "uniform": {"win_size": 7},
}
FIVE = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def cropped(picture, height, width):
    """One picture out of the middle: uint8 (1, height, width, c)."""
    top, left = (
        (size - crop) // 2 for size, crop in zip(picture.shape, (height, width))
    )
    part = picture[top : top + height, left : left + width]
    return part.reshape(1, height, width, -1)


def real(name, height, width):
    return cropped(getattr(skimage.data, name)(), height, width)


def noisy(picture, deviation, seed=0):
    """uint8 with Gaussian noise of `deviation` levels."""
    noise = np.random.default_rng(seed).normal(0, deviation, picture.shape)
    return np.clip(picture + noise, 0, 255).round().astype("uint8")


def blurred(picture):
    """uint8 (1, h, w, c), a box blur of 5x5."""
    kernel = np.full((1, 5, 5, 1), 1 / 25)
    return scipy.signal.convolve(picture, kernel, mode="same").round().astype("uint8")


# Grey and RGB, square and not, odd and even
CASES = {
    "camera": real("camera", 96, 96),
    "camera odd": real("camera", 61, 87),
    "astronaut": real("astronaut", 64, 64),
    "astronaut odd": real("astronaut", 75, 53),
    "least": real("coffee", 11, 11),
}


def pairs():
    """Every case with its noisy and its blurred self, as pytest's parameters."""
    for name, picture in CASES.items():
        for deviation in (1, 20, 120):
            yield pytest.param(
                picture, noisy(picture, deviation), id=f"{name}, noise {deviation}"
            )
        yield pytest.param(picture, blurred(picture), id=f"{name}, blurred")


PAIRS = list(pairs())


# Parity


@pytest.mark.parametrize(("reference", "picture"), PAIRS)
def test_psnr_and_mean_squared_error_are_scikit_image_s(reference, picture):
    expected = skimage.metrics.peak_signal_noise_ratio(reference[0], picture[0])
    np.testing.assert_allclose(pictures.psnr(reference, picture), [expected], rtol=1e-9)
    expected = skimage.metrics.mean_squared_error(reference[0], picture[0]) / 255**2
    np.testing.assert_allclose(
        pictures.mean_squared_error(reference, picture), [expected], rtol=1e-9
    )


@pytest.mark.parametrize("window", sorted(WINDOWS))
@pytest.mark.parametrize(("reference", "picture"), PAIRS)
def test_ssim_is_scikit_image_s(reference, picture, window):
    expected = skimage.metrics.structural_similarity(
        reference[0] / 255,
        picture[0] / 255,
        data_range=1,
        channel_axis=-1,
        **WINDOWS[window],
    )
    found = pictures.ssim(reference, picture, window=window)
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "theirs"),
    [
        ({"window": "uniform", "size": 3}, {"win_size": 3}),
        ({"window": "uniform", "size": 11}, {"win_size": 11}),
        # scikit-image's Gaussian reaches to 3.5 sigma: 9 pixels.
        (
            {"size": 9, "sigma": 1.2},
            {**WINDOWS["gaussian"], "sigma": 1.2},
        ),
    ],
)
def test_ssim_of_other_windows_is_scikit_image_s(options, theirs):
    reference = CASES["astronaut odd"]
    picture = noisy(reference, 25)
    expected = skimage.metrics.structural_similarity(
        reference[0] / 255, picture[0] / 255, data_range=1, channel_axis=-1, **theirs
    )
    found = pictures.ssim(reference, picture, **options)
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_ssim_of_a_negative_is_negative():
    reference = CASES["camera"]
    expected = skimage.metrics.structural_similarity(
        reference[0] / 255, 1 - reference[0] / 255, data_range=1, channel_axis=-1
    )
    assert expected < -0.1
    found = pictures.ssim(reference, 255 - reference, window="uniform")
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


# Multi-scale


def naive_ms_ssim(x, y, weights):
    """One channel, (h, w) float64, written from the paper with full 2-D windows."""
    steps = np.arange(11) - 5
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * 1.5**2))
    window /= window.sum()
    value = 1.0
    for scale, weight in enumerate(weights, start=1):
        m_x, m_y, s_xx, s_yy, s_xy = (
            scipy.signal.convolve2d(values, window, mode="valid")
            for values in (x, y, x * x, y * y, x * y)
        )
        s_xx, s_yy, s_xy = s_xx - m_x**2, s_yy - m_y**2, s_xy - m_x * m_y
        term = (2 * s_xy + 9e-4) / (s_xx + s_yy + 9e-4)
        if scale == len(weights):
            term = term * (2 * m_x * m_y + 1e-4) / (m_x**2 + m_y**2 + 1e-4)
        value *= max(term.mean(), 0.0) ** weight
        x, y = naive_halves(x), naive_halves(y)
    return value


def naive_halves(x):
    """Every second of the means of 2x2 neighbours, the border mirrored."""
    mirrored = np.pad(x, ((0, 1), (0, 1)), mode="symmetric")
    means = scipy.signal.convolve2d(mirrored, np.full((2, 2), 0.25), mode="valid")
    return means[::2, ::2]


MULTI = [
    ("camera", 176, 192, FIVE),
    ("astronaut", 161, 203, FIVE),
    ("camera", 64, 64, (0.2, 0.3, 0.5)),
    ("astronaut", 41, 55, (0.3, 0.7, 0.4)),
    ("astronaut", 11, 11, (1.0,)),
]


@pytest.mark.parametrize(("name", "height", "width", "weights"), MULTI)
@pytest.mark.parametrize("deviation", [2, 60])
def test_ms_ssim_is_the_naive_one(name, height, width, weights, deviation):
    reference = real(name, height, width)
    picture = noisy(reference, deviation)
    expected = np.mean(
        [
            naive_ms_ssim(reference[0, ..., c] / 255, picture[0, ..., c] / 255, weights)
            for c in range(reference.shape[-1])
        ]
    )
    found = pictures.ms_ssim(reference, picture, weights=weights)
    np.testing.assert_allclose(found, [expected], rtol=1e-9)


def test_ms_ssim_has_the_paper_s_weights():
    reference = real("camera", 161, 161)
    picture = noisy(reference, 30)
    expected = pictures.ms_ssim(reference, picture, weights=FIVE)
    assert 0.5 < expected[0] < 0.99
    np.testing.assert_array_equal(pictures.ms_ssim(reference, picture), expected)


def test_ms_ssim_of_one_scale_is_ssim():
    reference = CASES["astronaut"]
    picture = noisy(reference, 30)
    np.testing.assert_allclose(
        pictures.ms_ssim(reference, picture, weights=(1.0,)),
        pictures.ssim(reference, picture),
        rtol=1e-12,
    )


def test_weights_are_used_as_given():
    # Renormalised, a single weight would be 1 whatever it is.
    reference = CASES["camera"]
    picture = noisy(reference, 30)
    np.testing.assert_allclose(
        pictures.ms_ssim(reference, picture, weights=(0.5,)),
        pictures.ssim(reference, picture) ** 0.5,
        rtol=1e-12,
    )


def test_negative_structure_is_clipped():
    reference = CASES["camera"]
    found = pictures.ms_ssim(reference, 255 - reference, weights=(0.4, 0.6))
    np.testing.assert_array_equal(found, [0.0])


@pytest.mark.parametrize(("scales", "least"), [(1, 11), (2, 21), (3, 41), (5, 161)])
def test_ms_ssim_names_the_least_size(scales, least):
    weights = (1 / scales,) * scales
    enough = np.zeros((1, least, least + 1, 1), "uint8")
    np.testing.assert_array_equal(
        pictures.ms_ssim(enough, enough, weights=weights), [1.0]
    )
    with pytest.raises(ValueError, match=f"at least {least}x{least} pixels.*Received"):
        pictures.ms_ssim(enough[:, :-1], enough[:, :-1], weights=weights)


# By hand


def test_errors_by_hand():
    reference = np.zeros((2, 1, 2, 2))
    picture = np.array([[[[0.1, 0.1], [0.1, 0.1]]], [[[0.0, 0.4], [1.0, 0.0]]]])
    np.testing.assert_allclose(
        pictures.mean_squared_error(reference, picture), [0.01, 0.29]
    )
    np.testing.assert_allclose(
        pictures.mean_absolute_error(reference, picture), [0.1, 0.35]
    )
    np.testing.assert_allclose(
        pictures.psnr(reference, picture), [20.0, 10 * math.log10(1 / 0.29)]
    )


def test_one_level_everywhere_is_48_decibels():
    reference = np.full((1, 4, 5, 3), 7, "uint8")
    np.testing.assert_allclose(
        pictures.psnr(reference, reference + 1), [20 * math.log10(255)]
    )


def test_ssim_of_flat_pictures_is_the_luminance():
    # No variance: (2 * 0.2 * 0.8 + C1) / (0.04 + 0.64 + C1) with C1 = 1e-4.
    low, high = np.full((1, 12, 12, 1), 0.2), np.full((1, 12, 12, 1), 0.8)
    for window in WINDOWS:
        np.testing.assert_allclose(
            pictures.ssim(low, high, window=window), [0.3201 / 0.6801], rtol=1e-9
        )


# Properties


def test_identical_pictures():
    picture = np.concatenate([real("astronaut", 161, 161), real("coffee", 161, 161)])
    np.testing.assert_array_equal(pictures.mean_squared_error(picture, picture), 0)
    np.testing.assert_array_equal(pictures.mean_absolute_error(picture, picture), 0)
    np.testing.assert_array_equal(pictures.psnr(picture, picture), np.inf)
    np.testing.assert_array_equal(pictures.ssim(picture, picture), 1)
    np.testing.assert_array_equal(pictures.ssim(picture, picture, window="uniform"), 1)
    np.testing.assert_array_equal(pictures.ms_ssim(picture, picture), 1)


@pytest.mark.parametrize("metric", METRICS)
def test_levels_equal_floats(metric):
    reference = real("coffee", 161, 163)
    picture = noisy(reference, 15)
    expected = metric(reference, picture)
    assert expected.dtype == np.float64
    assert expected.shape == (1,)
    np.testing.assert_array_equal(metric(reference / 255, picture / 255), expected)
    np.testing.assert_array_equal(metric(reference, picture / 255), expected)
    single = (picture / 255).astype("float32")
    np.testing.assert_allclose(metric(reference, single), expected, rtol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("chunk", [1, 60_000, 10**9])
def test_each_pair_stands_for_itself(metric, chunk, monkeypatch):
    reference = real("camera", 161, 161)
    batch = np.concatenate([noisy(reference, 4 * seed, seed) for seed in range(1, 6)])
    references = np.repeat(reference, len(batch), axis=0)
    expected = [metric(reference, picture[None])[0] for picture in batch]
    assert len(set(expected)) == len(batch)
    monkeypatch.setattr(pictures, "CHUNK", chunk)
    np.testing.assert_allclose(metric(references, batch), expected, rtol=1e-12)


# Refusals


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("reference", "picture", "expected"),
    [
        (np.zeros((2, 161, 161, 1)), np.zeros((1, 161, 161, 1)), "one shape"),
        (np.zeros((1, 161, 161, 3)), np.zeros((1, 161, 161, 1)), "one shape"),
        (np.zeros((161, 161, 3)), np.zeros((161, 161, 3)), "one shape"),
        (np.zeros((0, 161, 161, 3)), np.zeros((0, 161, 161, 3)), "not empty"),
        (np.zeros((1, 161, 161, 1)), np.full((1, 161, 161, 1), np.nan), "nan"),
        (np.full((1, 161, 161, 1), np.nan), np.zeros((1, 161, 161, 1)), "nan"),
        (np.zeros((1, 161, 161, 1)), np.full((1, 161, 161, 1), 1.001), "1.001"),
        (np.zeros((1, 161, 161, 1)), np.full((1, 161, 161, 1), -0.001), "-0.001"),
        (np.zeros((1, 161, 161, 1)), np.zeros((1, 161, 161, 1), "int64"), "int64"),
        (np.zeros((1, 161, 161, 1), bool), np.zeros((1, 161, 161, 1)), "bool"),
    ],
)
def test_other_pictures_are_refused(metric, reference, picture, expected):
    with pytest.raises(ValueError, match=r"^Expected .* Received: ") as caught:
        metric(reference, picture)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"window": "box"}, "'gaussian', 'uniform'.*'box'"),
        ({"size": 8}, "size odd.*8"),
        ({"size": 1}, "at least 3.*1"),
        ({"sigma": 0.0}, "sigma above 0.*0.0"),
        ({"sigma": math.nan}, "sigma above 0.*nan"),
        ({"size": 13}, "at least 13x13 pixels.*Received: 12x16"),
    ],
)
def test_other_windows_are_refused(options, expected):
    picture = np.zeros((1, 12, 16, 1))
    with pytest.raises(ValueError, match=expected):
        pictures.ssim(picture, picture, **options)


@pytest.mark.parametrize(
    "weights", [(), (0.5, -0.5), (0.5, math.nan), (math.inf,), ((0.5,),)]
)
def test_other_weights_are_refused(weights):
    picture = np.zeros((1, 32, 32, 1))
    with pytest.raises(ValueError, match="weights of one scale or more.*Received"):
        pictures.ms_ssim(picture, picture, weights=weights)
