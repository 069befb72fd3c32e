"""Images that are decoded when they are asked for."""

import numpy as np
import pytest

from dogo_tf.data.stream import training_stream
from dogo_tf.errors import InputError
from dogo_tf.sources import decoded
from dogo_tf.sources.decoded import DecodedImages

SIDE = 8
BAD = {3: "no picture", 4: "empty file", 9: "no picture"}


def decode(path):
    number = int(path)
    return BAD[number] if number in BAD else np.full((SIDE, SIDE, 3), number, np.uint8)


def source_of(*files, **options):
    return DecodedImages([str(k) for k in files], SIDE, "digest", decode, **options)


def numbers(images):
    return images[:, 0, 0, 0].tolist()


def test_rows_come_in_the_order_in_which_they_are_asked_for():
    source = source_of(2, 1, 0, 5)
    assert source.shape == (4, SIDE, SIDE, 3) and len(source) == 4
    assert numbers(source[[3, 0, 0, 2]]) == [5, 2, 2, 0]
    assert numbers(source[1:3]) == [1, 0] and source[-1][0, 0, 0] == 5
    assert numbers(source[np.array([True, False, False, True])]) == [2, 5]


def test_a_bad_file_is_replaced_by_the_next_good_one_whatever_was_read_before(capsys):
    first, second = (source_of(*range(10), max_bad_images=0.3) for _ in range(2))
    second[::-1]
    assert numbers(first[[3, 4, 9]]) == numbers(second[[3, 4, 9]]) == [5, 5, 0]
    assert first.bad == second.bad == BAD
    first[[3, 9]]
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 6 and "3: no picture; the next image stands for it (" in "".join(told)


def test_where_there_are_labels_the_next_one_of_its_class_stands_for_it(capsys):
    labels = np.array([0, 1, 0, 1, 0, 0, 1, 1, 1, 0])
    first, second = (source_of(*range(10), max_bad_images=0.3, labels=labels) for _ in range(2))
    second[::-1]
    assert numbers(first[[3, 4, 9]]) == numbers(second[[3, 4, 9]]) == [6, 5, 0]
    assert numbers(first[:]) == [0, 1, 2, 6, 5, 5, 6, 7, 8, 0]
    assert "4: empty file; the next image of its class stands for it (" in capsys.readouterr().err


def test_a_class_without_a_good_image_is_an_error():
    source = source_of(1, 3, 2, 9, max_bad_images=0.5, labels=np.array([0, 1, 0, 1]))
    message = "3: no picture, and no image of its class can be read that could stand for it; expected one at least"
    with pytest.raises(InputError, match=message):
        source[1]
    assert numbers(source[[0, 2]]) == [1, 2]


def test_more_bad_files_than_allowed_are_an_error_that_stays_known():
    source = source_of(*range(10), max_bad_images=0.1)
    with pytest.raises(
        InputError, match=r"2 of 10 images cannot be read, more than max_bad_images=0.1 allows:\n  3: no"
    ):
        for row in range(10):
            source[row]
    assert "2 of 10" in str(source.failure)


def test_none_that_can_be_read():
    with pytest.raises(InputError, match="none of 2 images can be read"):
        source_of(3, 9, max_bad_images=1)[0]


def test_it_is_not_taken_into_memory_by_chance():
    with pytest.raises(InputError, match=r"2 images that are not in memory; read rows of them, as images\[rows\]"):
        np.asarray(source_of(1, 2))


def test_statistics_are_of_a_sample_of_many_images(monkeypatch):
    source = source_of(0, 1, 2, 5, 6, 7, 8, 10)
    assert source.pixel_sums() == ((39 * 64,) * 3, (279 * 64,) * 3, 8 * 64)
    monkeypatch.setattr(decoded, "SAMPLE", 3)
    assert source.pixel_sums().totals == ((0 + 6 + 10) * 64,) * 3


def test_the_training_stream_reads_from_it():
    files = (0, 1, 2, 5, 6, 7)
    array = np.stack([decode(k) for k in files])
    streams = [training_stream(images, 2, seed=3, start_example=4) for images in (source_of(*files), array)]
    for ours, theirs in zip(*(stream.take(7).as_numpy_iterator() for stream in streams), strict=True):
        np.testing.assert_array_equal(ours, theirs)
