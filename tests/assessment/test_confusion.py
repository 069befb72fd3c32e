"""Confusion and worst mistakes, against loops and by hand."""

import numpy as np
import pytest

from dogo_tf.assessment import class_scores, confusion_matrix, top_confusions, worst_mistakes
from dogo_tf.errors import InputError


def test_the_matrix_is_that_of_a_loop():
    generator = np.random.default_rng(0)
    labels, answers = generator.integers(0, 5, (2, 200))
    expected = np.zeros((6, 6), int)  # the last class does not occur
    for label, answer in zip(labels, answers, strict=True):
        expected[label, answer] += 1
    np.testing.assert_array_equal(confusion_matrix(labels, answers, 6), expected)


def test_scores_of_a_small_matrix():
    first, second, third = class_scores(np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]]))
    assert (first.images, first.recall, first.precision) == (10, 0.8, 8 / 9)
    # Wilson's interval by hand: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), z = 1.96.
    assert (first.low, first.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert (second.images, second.recall, second.precision) == (4, 0.75, 0.6)
    assert third == (0, None, None, None, None)


def test_an_interval_of_a_perfect_class_is_no_point():
    score = class_scores(np.array([[5, 0], [0, 5]]))[0]
    assert score.high == pytest.approx(1) and 0.5 < score.low < 0.6


def test_the_most_frequent_mistakes():
    matrix = np.array([[9, 1, 0], [4, 5, 0], [0, 2, 7]])
    assert top_confusions(matrix) == [(1, 0, 4), (2, 1, 2), (0, 1, 1)]
    assert top_confusions(matrix, most=1) == [(1, 0, 4)]


def test_the_least_probable_labels_come_first():
    logits = np.array([[5.0, 0, 0], [1, 0, 0], [9, 0, 8], [9, 0, 8], [0, 0, 3]])
    labels = np.array([1, 1, 1, 2, 2])  # the last one is right
    assert worst_mistakes(logits, labels).tolist() == [2, 0, 1, 3]
    assert worst_mistakes(logits, labels, most=2).tolist() == [2, 0]


def test_no_mistakes():
    assert worst_mistakes(np.eye(3), np.arange(3)).tolist() == []


def test_bad_input():
    with pytest.raises(InputError, match="predictions: expected classes 0 to 1, got 0 to 2"):
        confusion_matrix(np.array([0, 1]), np.array([0, 2]), 2)
    with pytest.raises(InputError, match=r"predictions: expected a whole number for each of 2 images, got int64 \[1\]"):
        confusion_matrix(np.array([0, 1]), np.array([0]), 2)
