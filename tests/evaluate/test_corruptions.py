"""Corrupted images: stronger with severity, the same for the same number, and what each does in closed form."""

import colorsys
import io

import numpy as np
import pytest
from PIL import Image

from dogo_tf.data.patterns import generate
from dogo_tf.errors import InputError
from dogo_tf.evaluate.corruptions import CORRUPTIONS, SEVERITIES, corrupt

IMAGES, _ = generate(24, seed=3)
RANDOM = ("gaussian_noise", "shot_noise", "impulse_noise", "motion_blur", "fog")
EVERY = pytest.mark.parametrize("name", CORRUPTIONS)


def at_severities(constant, values):
    return pytest.mark.parametrize(f"severity, {constant}", list(zip(SEVERITIES, values, strict=True)))


def plain(value, side=32, count=1):
    return np.full([count, side, side, 3], value, np.uint8)


def point(side=32):
    """One white pixel on black, in the middle."""
    images = plain(0, side)
    images[0, side // 2, side // 2] = 255
    return images


def distances(name):
    return [np.abs(corrupt(IMAGES, name, s).astype(int) - IMAGES).mean() for s in SEVERITIES]


@EVERY
def test_images_get_worse_with_severity(name):
    steps = distances(name)
    assert steps[0] > 0
    if name == "saturate":  # colour goes at 1 and 2, and comes from 3 on
        assert steps[0] < steps[1] and steps[2] < steps[3] < steps[4]
    elif name == "motion_blur":  # 3 and 4 are one blur, in other directions
        assert steps[0] < steps[1] < steps[2] < steps[4] and steps[1] < steps[3] < steps[4]
    else:
        assert steps == sorted(set(steps))


@EVERY
@pytest.mark.parametrize("side", [8, 27, 32])
def test_type_and_shape_stay_and_the_given_images_too(name, side):
    images = np.random.default_rng(0).integers(0, 256, [2, side, side, 3], dtype=np.uint8)
    given = images.copy()
    for severity in SEVERITIES:
        corrupted = corrupt(images, name, severity)
        assert corrupted.dtype == np.uint8 and corrupted.shape == images.shape
        np.testing.assert_array_equal(images, given)


@EVERY
def test_a_part_is_corrupted_as_in_the_whole(name):
    whole = corrupt(IMAGES, name, 2, seed=7)
    some = np.array([13, 4, 20])
    np.testing.assert_array_equal(corrupt(IMAGES[some], name, 2, seed=7, numbers=some), whole[some])
    np.testing.assert_array_equal(corrupt(IMAGES[:5], name, 2, seed=7), whole[:5])


@EVERY
def test_seed_and_number_decide_what_is_random_and_nothing_else(name):
    twice = IMAGES[[0, 0]]
    first, second = corrupt(twice, name, 3, seed=0)
    other_seed = corrupt(twice, name, 3, seed=1)[0]
    assert (first == second).all() == (first == other_seed).all() == (name not in RANDOM)


def test_no_images_are_no_error():
    assert corrupt(IMAGES[:0], "fog", 1).shape == (0, 32, 32, 3)


@at_severities("deviation", (0.04, 0.06, 0.08, 0.09, 0.10))
def test_gaussian_noise_has_its_standard_deviation(severity, deviation):
    noise = corrupt(plain(127, count=8), "gaussian_noise", severity) / 255 - 127 / 255
    assert noise.std() == pytest.approx(deviation, rel=0.03) and abs(noise.mean()) < 0.003


@pytest.mark.parametrize("value", [40, 120])
def test_shot_noise_varies_like_a_count_of_photons(value):
    noisy = corrupt(plain(value, count=8), "shot_noise", 3) / 255
    assert noisy.mean() == pytest.approx(value / 255, rel=0.02)
    assert noisy.var() == pytest.approx(value / 255 / 100, rel=0.05)


@at_severities("share", (0.01, 0.02, 0.03, 0.05, 0.07))
def test_impulse_noise_hits_its_share_of_the_values(severity, share):
    noisy = corrupt(plain(100, count=20), "impulse_noise", severity)
    assert set(np.unique(noisy)) == {0, 100, 255}
    assert (noisy == 0).mean() == pytest.approx(share / 2, rel=0.15)
    assert (noisy == 255).mean() == pytest.approx(share / 2, rel=0.15)


@at_severities("factor", (0.75, 0.5, 0.4, 0.3, 0.15))
def test_contrast_keeps_the_mean_and_scales_the_deviations(severity, factor):
    mean = IMAGES.mean(axis=(1, 2), keepdims=True)
    expected = mean + factor * (IMAGES - mean)
    np.testing.assert_allclose(corrupt(IMAGES, "contrast", severity), expected, rtol=0, atol=0.501)


def by_colorsys(images, change):
    pixels = [colorsys.hsv_to_rgb(*change(*colorsys.rgb_to_hsv(*pixel))) for pixel in images.reshape(-1, 3) / 255]
    return 255 * np.reshape(pixels, images.shape)


SOME_COLOURS = np.concatenate([IMAGES[:1, :8, :8], plain(0, 8), plain(90, 8), plain(255, 8)])


@at_severities("summand", (0.05, 0.1, 0.15, 0.2, 0.3))
def test_brightness_adds_to_the_value(severity, summand):
    expected = by_colorsys(SOME_COLOURS, lambda h, s, v: (h, s, min(1, v + summand)))
    np.testing.assert_allclose(corrupt(SOME_COLOURS, "brightness", severity), expected, rtol=0, atol=0.501)


@pytest.mark.parametrize(
    "severity, factor, summand", [(1, 0.3, 0), (2, 0.1, 0), (3, 1.5, 0), (4, 2, 0.1), (5, 2.5, 0.2)]
)
def test_saturate_changes_the_saturation(severity, factor, summand):
    expected = by_colorsys(SOME_COLOURS, lambda h, s, v: (h, min(1, factor * s + summand), v))
    np.testing.assert_allclose(corrupt(SOME_COLOURS, "saturate", severity), expected, rtol=0, atol=0.501)


@pytest.mark.parametrize("name", ["defocus_blur", "motion_blur", "contrast", "jpeg", "pixelate"])
@pytest.mark.parametrize("severity", SEVERITIES)
def test_a_plain_image_has_nothing_to_lose(name, severity):
    np.testing.assert_allclose(corrupt(plain(128), name, severity), plain(128), rtol=0, atol=1)


def test_defocus_spreads_a_point_over_a_disc():
    around = {s: corrupt(point(), "defocus_blur", s)[0, 14:19, 14:19, 0] for s in SEVERITIES}
    edge = 255 * np.exp(-1 / (2 * 0.6**2)) / (1 + 2 * np.exp(-1 / (2 * 0.6**2))) ** 2  # a 3 x 3 Gaussian
    assert around[3][2, 1] == around[3][1, 2] == round(edge)
    cross, box = np.pad([[0, 1, 0], [1, 1, 1], [0, 1, 0]], 1), np.pad(np.ones([3, 3]), 1)
    np.testing.assert_allclose(around[4], np.rint(255 / 5 * cross), atol=1)
    np.testing.assert_allclose(around[5], np.rint(255 / 9 * box), atol=1)


def test_motion_smears_a_point_to_one_side_within_45_degrees():
    slopes = []
    for number in range(20):
        smeared = corrupt(point(), "motion_blur", 5, numbers=[number])[0, :, :, 0].astype(int)
        rows, columns = np.nonzero(smeared)
        assert abs(smeared.sum() - 255) < 6  # rounding, and the end of the Gaussian
        assert np.ptp(columns) >= 4 and columns.max() == 16 and np.all(np.abs(rows - 16) <= 16 - columns)
        line = smeared[rows, columns][np.argsort(-columns)]
        half_gaussian = np.exp(-(np.arange(11) ** 2) / (2 * 2.5**2))
        assert line[0] == pytest.approx(255 / half_gaussian.sum(), rel=0.05)
        slopes.append(np.mean(rows - 16) / np.ptp(columns))
    assert min(slopes) < -0.2 and max(slopes) > 0.2


@pytest.mark.parametrize("name", ["defocus_blur", "motion_blur"])
def test_blurs_grow_with_the_image(name):
    def spread(side):
        blurred = corrupt(np.repeat(point(side), 20, axis=0), name, 2)[..., 0].astype(float).sum(axis=0)
        distance = (np.arange(side) - side // 2) ** 2
        return np.sqrt((blurred * (distance[:, None] + distance)).sum() / blurred.sum())

    assert spread(64) == pytest.approx(2 * spread(32), rel=0.15)


@at_severities("density", (0.2, 0.5, 0.75, 1, 1.5))
def test_fog_lies_between_none_and_its_density(severity, density):
    foggy = corrupt(plain(200, count=3), "fog", severity)
    value = 200 / 255
    assert foggy.min(axis=(1, 2, 3)).tolist() == [round(200 * value / (value + density))] * 3
    assert foggy.max(axis=(1, 2, 3)).tolist() == [200] * 3
    assert (foggy == foggy[..., :1]).all()  # grey
    neighbours = np.abs(np.diff(foggy[..., 0].astype(int), axis=2)).mean()
    assert neighbours < foggy.std() / 2  # clouds, not noise (for which it is 1.13 times the deviation)


def test_jpeg_is_what_a_file_of_that_quality_holds():
    file = io.BytesIO()
    Image.fromarray(IMAGES[5]).save(file, "JPEG", quality=58)
    np.testing.assert_array_equal(corrupt(IMAGES[5:6], "jpeg", 3)[0], np.asarray(Image.open(file)))


@at_severities("left", (30, 28, 27, 24, 20))
def test_pixelate_leaves_fewer_rows_and_columns(severity, left):
    images = np.random.default_rng(0).integers(0, 256, [1, 32, 32, 3], dtype=np.uint8)
    coarse = corrupt(images, "pixelate", severity)[0]
    assert len(np.unique(coarse, axis=0)) == len(np.unique(coarse, axis=1)[0]) == left


@pytest.mark.parametrize(
    "change, message",
    [
        (
            {"name": "snow"},
            "unknown corruption 'snow'; known: brightness, contrast, defocus_blur, fog, gaussian_noise, impulse_noise, "
            "jpeg, motion_blur, pixelate, saturate, shot_noise",
        ),
        ({"severity": 0}, "severity: expected a whole number from 1 (mild) to 5, got 0"),
        ({"severity": 2.5}, "severity: expected a whole number from 1 (mild) to 5, got 2.5"),
        ({"images": IMAGES[:, :16]}, "images: expected squares, shape [N, S, S, 3], got [24, 16, 32, 3]"),
        ({"images": plain(0, 4)}, "image_size: expected an integer of at least 8 (pixels), got 4"),
        (
            {"images": IMAGES / 255},
            "images: expected a NumPy array uint8 [N, H, W, 3] with values 0..255, got float64 in [0, 1]; "
            "convert it with (255 * images).round().astype('uint8')",
        ),
        ({"numbers": [1, 2]}, "numbers: expected a whole number >= 0 for each of the 24 images, got int64 [2]"),
        (
            {"numbers": np.arange(24) - 1},
            "numbers: expected a whole number >= 0 for each of the 24 images, got int64 [24] from -1 on",
        ),
    ],
)
def test_arguments_are_checked(change, message):
    with pytest.raises(InputError) as error:
        corrupt(**{"images": IMAGES, "name": "fog", "severity": 1} | change)
    assert str(error.value) == message
