"""At which size pictures are kept for a training."""

import numpy as np
import pytest
from PIL import Image

from dogo_tf import data
from dogo_tf.data.choose import store_size
from dogo_tf.data.decode import sample_sizes
from dogo_tf.errors import InputError


@pytest.mark.parametrize(
    "sizes, expected",
    [
        ([(500, 375)], 40),
        ([(36, 60), (36, 36)], 36),  # not more than they have
        ([(32, 32)] * 3, 32),
        ([(20, 20), (90, 90), (90, 90)], 40),  # most of them
        ([(20, 20)], 32),
        ([], 32),
    ],
)
def test_kept_at_up_to_a_quarter_more_than_the_training_size(sizes, expected):
    assert store_size(sizes, 32, 1.25) == expected


def test_a_sample_of_the_files_says_how_large_they_are(tmp_path):
    files = [tmp_path / f"{k}.png" for k in range(100)]
    for k, path in enumerate(files):
        Image.new("RGB", (10 + k, 9)).save(path)
    files[0].write_bytes(b"")
    found = sample_sizes(files)
    assert len(found) == 63 and found[-1] == (109, 9)


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
def test_squares_of_the_training_size_stay_as_they_are(tmp_path, source):
    (tmp_path / "images").mkdir()
    for k in range(3):
        Image.fromarray(np.full((10, 10, 3), k, np.uint8)).save(tmp_path / "images" / f"{k}.png")

    def opened(**options):
        return data.open(tmp_path / "images", source=source, cache_dir=tmp_path / "cache", **options)

    for found in (opened(image_size=10, store_ratio=1.25), opened(store_ratio=1.25)):
        assert found.images.shape == (3, 10, 10, 3) and not getattr(found.images, "larger", False)
    smaller = opened(image_size=8, store_ratio=1.25)
    assert smaller.images.larger if source == "stream" else smaller.images.shape == (3, 10, 10, 3)


def test_a_ratio_below_one_is_refused(tmp_path):
    with pytest.raises(InputError, match="store_ratio: expected a number of at least 1, got 0.5"):
        data.open(tmp_path, image_size=8, store_ratio=0.5)
