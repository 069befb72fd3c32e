"""The training stream is a pure function of the global example number."""

import itertools

import numpy as np
import pytest

from dogo_tf.data.stream import HostClock, training_stream
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf


def _numbered(count):
    """`count` different images; _numbers reads their numbers back."""
    images = np.zeros((count, 4, 4, 3), np.uint8)
    images[:, 0, 0, 0], images[:, 3, 2, 1] = np.arange(count) % 256, np.arange(count) // 256
    return images


def _numbers(batch):
    return (batch[:, 0, 0, 0].astype(int) + 256 * batch[:, 3, 2, 1].astype(int)).tolist()


def _take(stream, batches):
    return [_numbers(batch) for batch in itertools.islice(stream.as_numpy_iterator(), batches)]


def _oracle(count, batch_size, seed, example):
    epoch, position = divmod(example, (count // batch_size) * batch_size)
    seeds = tf.constant([epoch, seed], tf.int64)
    return int(tf.random.experimental.index_shuffle(tf.constant(position, tf.int64), seed=seeds, max_index=count - 1))


@pytest.mark.parametrize("count, batch_size", [(10, 3), (12, 4), (7, 7), (5, 1), (1, 1)])
def test_equals_the_definition_example_by_example(count, batch_size):
    batches = 3 * (count // batch_size) + 1
    expected = [
        [_oracle(count, batch_size, 3, step * batch_size + row) for row in range(batch_size)] for step in range(batches)
    ]
    assert _take(training_stream(_numbered(count), batch_size, seed=3), batches) == expected


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_replicas_and_workers_share_every_batch(workers):
    images, whole = _numbered(50), _take(training_stream(_numbered(50), 8, seed=7, start_example=16), 10)
    replicas = [range(first, first + 4 // workers) for first in range(0, 4, 4 // workers)]
    shares = [
        _take(training_stream(images, 8, seed=7, start_example=16, replicas=4, local_replicas=mine), 10 * len(mine))
        for mine in replicas
    ]
    for step, batch in enumerate(whole):
        parts = [share[step * len(mine) : (step + 1) * len(mine)] for share, mine in zip(shares, replicas, strict=True)]
        assert sum((row for part in parts for row in part), []) == batch


def test_rows_beside_the_images_stay_with_them():
    features = {"big": np.arange(50, dtype=np.float32)[:, np.newaxis] * [1, -1], "other": np.zeros((50, 3), np.float32)}
    stream = training_stream(
        _numbered(50), 8, seed=7, start_example=16, replicas=2, local_replicas=range(1, 2), extra_features=features
    )
    plain = _take(
        training_stream(_numbered(50), 8, seed=7, start_example=16, replicas=2, local_replicas=range(1, 2)), 8
    )
    for (images, beside), numbers in zip(stream.as_numpy_iterator(), plain, strict=False):
        assert _numbers(images) == numbers
        assert beside.keys() == {"big", "other"} and beside["other"].shape == (4, 3)
        np.testing.assert_array_equal(beside["big"], np.stack([numbers, np.negative(numbers)], axis=1))


def test_chosen_rows_come_in_the_place_of_all():
    """As often as they are chosen, with what lies beside them."""
    rows, beside = np.array([7, 2, 2, 9]), {"number": np.arange(10)}
    stream = training_stream(_numbered(10), 4, seed=3, rows=rows, extra_features=beside)
    for batch, more in itertools.islice(stream.as_numpy_iterator(), 3):
        assert sorted(_numbers(batch)) == [2, 2, 7, 9] and _numbers(batch) == more["number"].tolist()
    chosen = _numbered(10)[rows]
    assert _take(training_stream(_numbered(10), 4, seed=3, rows=rows), 3) == _take(
        training_stream(chosen, 4, seed=3), 3
    )


def test_the_hosts_time_is_measured_per_step():
    clock = HostClock()
    assert clock.read() == {"host_ms_per_step": 0.0}
    _take(training_stream(_numbered(50), 8, seed=7, replicas=4, local_replicas=range(2), clock=clock), 8)
    assert clock.steps >= 4 and 0 < clock.seconds < 60
    assert clock.read()["host_ms_per_step"] > 0 and clock.steps == 0


def test_an_epoch_visits_distinct_images_and_epochs_differ():
    count, batch_size = 1000, 64
    steps = count // batch_size
    batches = _take(training_stream(_numbered(count), batch_size, seed=0), 4 * steps)
    epochs = [sum(batches[e * steps : (e + 1) * steps], []) for e in range(4)]
    for epoch in epochs:
        assert len(set(epoch)) == batch_size * steps == 960
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert set().union(*epochs) == set(range(count))  # an image left out of one epoch comes in others


@pytest.mark.parametrize("shuffle", [True, False])
def test_starting_late_equals_skipping(shuffle):
    images = _numbered(50)
    whole = _take(training_stream(images, 8, seed=7, shuffle=shuffle), 30)
    for done in (0, 1, 5, 6, 7, 20):
        stream = training_stream(images, 8, seed=7, start_example=done * 8, shuffle=shuffle)
        assert _take(stream, 30 - done) == whole[done:]


def test_seeds_give_different_orders_and_unshuffled_is_the_order():
    images = _numbered(64)
    assert _take(training_stream(images, 8, seed=1), 8) != _take(training_stream(images, 8, seed=2), 8)
    plain = _take(training_stream(images[:20], 8, seed=1, shuffle=False), 3)
    assert plain == [list(range(8)), list(range(8, 16)), list(range(8))]


def test_shapes_are_static_and_pixels_arrive_unchanged():
    images = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    stream = training_stream(images, 6, seed=0, shuffle=False)
    assert stream.element_spec == tf.TensorSpec([6, 5, 4, 3], tf.uint8)
    np.testing.assert_array_equal(next(stream.as_numpy_iterator()), images)


def test_far_into_training():
    start = 10**9 // 8 * 8
    numbers = _take(training_stream(_numbered(50), 8, seed=2**40, start_example=start), 1)[0]
    assert numbers == [_oracle(50, 8, 2**40, start + row) for row in range(8)]


def test_the_data_is_not_part_of_the_graph():
    sizes = []
    for count in (4, 4000):
        stream = training_stream(np.zeros((count, 8, 8, 3), np.uint8), 4, seed=0)
        sizes.append(len(tf.raw_ops.DatasetToGraphV2(input_dataset=stream._variant_tensor).numpy()))
    assert abs(sizes[0] - sizes[1]) < 1000  # 768,000 bytes of images would show


@pytest.mark.parametrize(
    "options, message",
    [
        ({"batch_size": 11}, "batch_size 11 is larger than the data, which has 10 images"),
        ({"batch_size": 0}, "batch_size: expected an integer of at least 1, got 0"),
        ({"batch_size": 2.0}, "batch_size: expected an integer of at least 1, got 2.0"),
        ({"batch_size": 4, "seed": -1}, "seed: expected an integer of at least 0, got -1"),
        ({"batch_size": 4, "replicas": 3}, "batch_size 4 does not divide over 3 replicas"),
        ({"batch_size": 4, "start_example": 6}, "start_example: expected a multiple of batch_size 4, got 6"),
        ({"batch_size": 4, "start_example": -4}, "start_example: expected an integer of at least 0, got -4"),
        (
            {"batch_size": 4, "extra_features": {"big": np.zeros((9, 2))}},
            "extra_features: expected one row of 'big' for each of 10 images, got 9",
        ),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(InputError) as error:
        training_stream(_numbered(10), **{"seed": 0, **options})
    assert str(error.value) == message


EXPECTED = "images: expected a NumPy array uint8 [N, H, W, 3] with values 0..255, got "


@pytest.mark.parametrize(
    "images, message",
    [
        (
            np.full((2, 4, 4, 3), 0.5, np.float32) * [0, 1, 2],
            "float64 in [0, 1]; convert it with (255 * images).round().astype('uint8')",
        ),
        (
            np.full((2, 4, 4, 3), 200.5, np.float32),
            "float32 in [200.5, 200.5]; convert it with images.round().astype('uint8')",
        ),
        (
            np.full((2, 4, 4, 3), -1.5, np.float32),
            "float32 in [-1.5, -1.5]; undo its normalisation, so that it lies in 0..255, then images.round().astype('uint8')",
        ),
        (np.full((2, 4, 4, 3), 7), "int64 in [7, 7]; convert it with images.round().astype('uint8')"),
        (np.zeros((2, 4, 4), np.uint8), "shape [2, 4, 4]"),
        (np.zeros((2, 4, 4, 1), np.uint8), "shape [2, 4, 4, 1]"),
        ([[1]], "list; convert it with numpy.asarray"),
    ],
)
def test_images_are_checked(images, message):
    with pytest.raises(InputError) as error:
        training_stream(images, 1, seed=0)
    assert str(error.value) == EXPECTED + message
