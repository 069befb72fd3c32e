"""Which images an integer format is calibrated on."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.export import calibration


def pictures(count, low=0, high=255):
    return np.random.default_rng(0).integers(low, high + 1, (count, 8, 8, 3), np.uint8)


def test_images_of_the_whole_range_are_taken_as_they_are():
    images = pictures(300)
    chosen = calibration.choose(images, 120)
    assert not chosen.extended and (chosen.lowest, chosen.highest) == (0, 255)
    rows = [np.flatnonzero((images == image).all(axis=(1, 2, 3))) for image in chosen.images]
    assert len({int(row[0]) for row in rows}) == 120  # all the user's own, none twice
    np.testing.assert_array_equal(calibration.choose(images, 120).images, chosen.images)
    assert (calibration.choose(images, 120, seed=1).images != chosen.images).any()
    kept = {"lowest": 0, "highest": 255, "extended": False, "images": 120}
    assert chosen.as_dict() == kept | {"judging": 180, "held_out": True, "learning": 120}


def test_ranges_are_judged_on_images_that_they_do_not_come_from():
    images = pictures(700)
    chosen = calibration.choose(images, 120)
    assert len(chosen.judging) == 256 and chosen.held_out
    both = np.concatenate([chosen.images, chosen.judging]).reshape(376, -1)
    assert len(np.unique(both, axis=0)) == 376
    learning = images[chosen.learning].reshape(444, -1)
    assert len(np.unique(np.concatenate([chosen.judging.reshape(256, -1), learning]), axis=0)) == 700
    few = calibration.choose(images[:183], 120)  # 63 others
    assert few.judging is few.images and not few.held_out and len(few.learning) == 183


@pytest.mark.parametrize("low, high", [(0, 153), (30, 255), (40, 180)])
def test_a_range_with_gaps_is_made_whole_by_two_pixels_of_a_copy(low, high):
    images = pictures(100, low, high)
    before = images.copy()
    chosen = calibration.choose(images, 100)
    assert chosen.extended and (chosen.lowest, chosen.highest) == (low, high)
    assert (chosen.images.min(), chosen.images.max()) == (0, 255)
    assert (chosen.images != images).any(axis=-1).sum() == 2
    np.testing.assert_array_equal(images, before)


WRONG = {
    "few": (
        pictures(99),
        100,
        "calibration_images: 100 are wanted, but there are only 99 images to choose from; --calibration=... takes others, "
        "without labels, and --formats=float32,float16 leaves int8 out",
    ),
    "little": (pictures(300), 99, "calibration_images: expected 100 to 200, got 99"),
    "many": (pictures(300), 201, "calibration_images: expected 100 to 200, got 201"),
    "scaled": (pictures(100, 0, 1), 100, "the largest is 1; were they scaled to 0..1"),
    "float": (pictures(100) / 255.0, 100, "expected uint8 pixel values 0..255, got float64"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_calibrated_on_is_refused(case):
    images, count, message = WRONG[case]
    with pytest.raises(InputError, match=message):
        calibration.choose(images, count)
