"""Pixel statistics, and the memory that images need."""

import numpy as np
import pytest

from dogo_tf.data import image_set
from dogo_tf.errors import InputError


@pytest.mark.parametrize("count", [1, 3, 2500])  # below, and above, one chunk
def test_pixel_statistics_equal_the_plain_formulas(count):
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    images[..., 1] //= 5
    mean, std = image_set.pixel_statistics(images)
    assert isinstance(mean, tuple) and isinstance(mean[0], float) and len(mean) == len(std) == 3
    for channel in range(3):
        values = images[..., channel].astype(np.float64)
        assert mean[channel] == pytest.approx(values.mean(), rel=1e-12)
        assert std[channel] == pytest.approx(np.sqrt(((values - values.mean()) ** 2).mean()), rel=1e-9)


def test_pixel_statistics_do_not_overflow():
    mean, std = image_set.pixel_statistics(np.full((1100, 64, 64, 3), 255, np.uint8))
    assert mean == (255.0, 255.0, 255.0)
    assert std == (1.0, 1.0, 1.0)  # constant channels: one grey level, so that dividing by it is safe


def test_pixel_statistics_of_nothing():
    with pytest.raises(InputError, match="no images to take the mean"):
        image_set.pixel_statistics(np.zeros((0, 8, 8, 3), np.uint8))


def test_too_little_memory_names_the_bytes_and_a_size_that_fits(monkeypatch):
    monkeypatch.setattr(image_set, "available_memory", lambda: 1_000_000)
    with pytest.raises(InputError) as error:
        image_set.allocate(100, 64)
    assert str(error.value) == (
        "image_size: 100 images of 64 x 64 pixels need 1228800 bytes of memory, but 1000000 are available; "
        "image_size=56 would fit"
    )
    assert image_set.allocate(100, 56).shape == (100, 56, 56, 3)  # the advice holds
    with pytest.raises(InputError, match="use fewer images"):
        image_set.allocate(10_000_000, 8)


def test_available_memory_is_plausible():
    available = image_set.available_memory()
    assert available is None or 10**7 < available < 10**15


def test_an_image_set_in_place_of_its_images_is_named():
    images = image_set.ImageSet("x", np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(InputError, match="x: expected a NumPy array uint8 .* got an ImageSet; pass its .images"):
        image_set.check_images(images, "x")
