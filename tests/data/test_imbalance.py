"""Imbalanced subsets: the sizes in closed form, and which examples are kept."""

import numpy as np
import pytest

from dogo_tf.data.imbalance import GAMMA, authors_sizes, exponential_sizes, imbalanced_indices
from dogo_tf.data.labels import stratified_fraction
from dogo_tf.errors import InputError

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(4), [300, 250, 200, 100]))
PROFILES = pytest.mark.parametrize("profile, sizes", [("authors", authors_sizes), ("exponential", exponential_sizes)])


@pytest.mark.parametrize("classes, n_max, n_min", [(10, 5000, 250), (100, 500, 5), (2, 7, 3), (3, 9, 8)])
def test_authors_sizes_solve_their_two_end_conditions(classes, n_max, n_min):
    # a - n_max b = n_max and a - n_min b = n_min classes**GAMMA, as the authors wrote them
    a, b = np.linalg.solve([[1, -n_max], [1, -n_min]], [n_max, n_min * classes**GAMMA])
    sizes = authors_sizes(classes, n_max, n_min)
    np.testing.assert_allclose(sizes, [a / (b + c**GAMMA) for c in range(1, classes + 1)], rtol=0, atol=0.5 + 1e-6)
    assert sizes[0] == n_max and sizes[-1] == n_min and sizes == sorted(sizes, reverse=True)


def test_the_authors_imbalanced_cifar10():
    assert authors_sizes(10, 5000, 250) == [5000, 858, 557, 439, 375, 333, 304, 282, 264, 250]


@pytest.mark.parametrize("classes, n_max, n_min, total", [(10, 5000, 50, 12_406), (100, 500, 5, 10_847)])
def test_exponential_sizes_add_up_to_the_published_long_tailed_cifar(classes, n_max, n_min, total):
    sizes = exponential_sizes(classes, n_max, n_min)
    assert sum(sizes) == total and sizes[0] == n_max and sizes[-1] == n_min


@pytest.mark.parametrize("expected", [[1000, 100, 10, 1], [49, 7, 1]])  # 49 * (1 / 49) is less than 1 in floating point
def test_exponential_sizes_fall_by_one_factor(expected):
    assert exponential_sizes(len(expected), expected[0], expected[-1]) == expected


@PROFILES
def test_equal_ends_are_a_balanced_set(profile, sizes):
    assert sizes(5, 40, 40) == [40] * 5


@PROFILES
def test_every_class_keeps_its_size(profile, sizes):
    indices = imbalanced_indices(LABELS, profile, 300, 20, seed=1)
    assert indices.dtype == np.int64 and np.all(np.diff(indices) > 0)
    assert np.bincount(LABELS[indices]).tolist() == sizes(4, 300, 20)


@PROFILES
def test_smaller_classes_are_inside_larger_ones(profile, sizes):
    small, large = (set(imbalanced_indices(LABELS, profile, *ends, seed=1)) for ends in ((200, 10), (250, 60)))
    assert small < large


def test_the_seed_decides_and_draws_something_else_than_few_labels():
    first = imbalanced_indices(LABELS, "authors", 100, 100, seed=5)
    np.testing.assert_array_equal(first, imbalanced_indices(LABELS, "authors", 100, 100, seed=5))
    assert set(first) != set(imbalanced_indices(LABELS, "authors", 100, 100, seed=6))
    few = stratified_fraction(LABELS, 1 / 3, seed=5)
    assert set(few[LABELS[few] == 0]) != set(first[LABELS[first] == 0])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"profile": "step"}, "unknown imbalance profile 'step'; known: authors, exponential"),
        (
            {"n_min": 150},
            "labels: class 3 has 100 examples, but the profile 'authors' from n_max 200 to n_min 150 wants 150 of it",
        ),
        ({"labels": [0, 0, 0]}, "classes: expected at least 2 for an imbalance between them, got 1"),
        ({"labels": [0, 2]}, "labels: class 1 has no examples; classes run from 0 to 2"),
        ({"labels": [0, -1]}, "labels: expected classes from 0 on, got -1 (often used for 'unlabelled')"),
    ],
)
def test_arguments_are_checked(change, message):
    with pytest.raises(InputError) as error:
        imbalanced_indices(**{"labels": LABELS, "profile": "authors", "n_max": 200, "n_min": 10, "seed": 0} | change)
    assert str(error.value) == message


@PROFILES
@pytest.mark.parametrize("n_max, n_min", [(10, 20), (10, 0), (10.5, 2), (float("nan"), 2)])
def test_sizes_out_of_range(profile, sizes, n_max, n_min):
    with pytest.raises(InputError) as error:
        sizes(4, n_max, n_min)
    assert str(error.value) == (
        f"n_max, n_min: expected whole numbers of examples with n_max >= n_min >= 1, got n_max {n_max}, n_min {n_min}"
    )
