"""Few labels: nested, stratified, reproducible."""

import numpy as np
import pytest

from dogo_tf.data.labels import spread_over_classes, stratified_fraction
from dogo_tf.errors import InputError

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(4), [1000, 200, 30, 3]))


@pytest.mark.parametrize(
    "fraction, expected",
    [
        (1.0, [1000, 200, 30, 3]),
        (0.25, [250, 50, 8, 1]),
        (0.1, [100, 20, 3, 1]),
        (0.05, [50, 10, 2, 1]),
        (0.01, [10, 2, 1, 1]),
    ],
)
def test_every_class_gives_its_share_and_at_least_one(fraction, expected):
    indices = stratified_fraction(LABELS, fraction, seed=1)
    assert indices.dtype == np.int64
    assert [int((LABELS[indices] == c).sum()) for c in range(4)] == expected
    assert all(a < b for a, b in zip(indices, indices[1:], strict=False))  # sorted, and each once


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_smaller_fractions_are_inside_larger_ones(seed):
    sets = [set(stratified_fraction(LABELS, f, seed).tolist()) for f in (0.003, 0.01, 0.05, 0.1, 0.25, 1)]
    for small, large in zip(sets, sets[1:], strict=False):
        assert small < large


def test_the_seed_alone_decides():
    first = stratified_fraction(LABELS, 0.1, seed=5)
    np.testing.assert_array_equal(first, stratified_fraction(LABELS, 0.1, seed=5))
    assert set(first) != set(stratified_fraction(LABELS, 0.1, seed=6))


def test_classes_are_drawn_independently():
    labels = np.repeat([0, 1], 1000)  # the same count: the same draw in both would be a shared random state
    indices = stratified_fraction(labels, 0.1, seed=0)
    assert set(indices[indices < 1000]) != set(indices[indices >= 1000] - 1000)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.5, float("nan")])
def test_fraction_out_of_range(fraction):
    with pytest.raises(InputError) as error:
        stratified_fraction(LABELS, fraction, 0)
    assert str(error.value) == f"fraction: expected a share in 0 < fraction <= 1 (0.01 is 1 %), got {fraction!r}"


@pytest.mark.parametrize(
    "labels, message",
    [
        ([0, 1, 3, 3], "labels: class 2 has no examples; classes run from 0 to 3"),
        ([0, -1, 1], "labels: expected classes from 0 on, got -1 (often used for 'unlabelled')"),
        ([0.0, 1.0], "labels: expected integers [N], N >= 1, got float64 [2]"),
        (np.zeros((2, 2), np.int64), "labels: expected integers [N], N >= 1, got int64 [2, 2]"),
        (np.zeros(0, np.int64), "labels: expected integers [N], N >= 1, got int64 [0]"),
    ],
)
def test_labels_are_checked(labels, message):
    with pytest.raises(InputError) as error:
        stratified_fraction(labels, 0.5, 0)
    assert str(error.value) == message


@pytest.mark.parametrize("order", ["class by class", "in turns", "shuffled"])
@pytest.mark.parametrize("count", [2, 3, 20, 77])
def test_images_are_spread_over_all_classes_however_they_are_listed(order, count):
    sizes = np.array([40, 10, 30])
    labels = np.repeat(np.arange(3), sizes)
    if order == "in turns":
        labels, sizes = np.arange(80) % 4, np.full(4, 20)
    elif order == "shuffled":
        labels = np.random.default_rng(0).permutation(labels)
    rows = spread_over_classes(labels, count)
    assert rows.dtype == np.int64 and (np.diff(rows) > 0).all() and len(rows) == count
    given = np.bincount(labels[rows], minlength=len(sizes))
    assert (np.abs(given - count * sizes / 80) < 1).all()
    np.testing.assert_array_equal(spread_over_classes(labels, count), rows)


def test_images_of_a_class_come_from_all_over_it():
    assert spread_over_classes(np.repeat([0, 1], 50), 4).tolist() == [12, 37, 62, 87]
    assert spread_over_classes(np.repeat([0, 1], 3), 6).tolist() == list(range(6))
