"""What more labels bring: trainings whose error is known in closed form."""

import numpy as np
import pytest

from dogo_tf.assessment import learning_curve
from dogo_tf.assessment.learning_curve import draw, outlook
from dogo_tf.errors import InputError

LABELS = np.repeat(np.arange(4), 100)
MANY = 10**15  # test images, so that half an image more is nothing


def power(labels: float) -> float:
    return 1 - 2 * labels**-0.5


def test_a_power_law_is_continued_exactly():
    curve = learning_curve(LABELS, power(400), lambda rows: power(len(rows)), MANY)
    assert [labels for labels, _ in curve.points] == [48] * 3 + [100] * 3 + [200] * 3 + [400]
    assert curve.outlook.more == 100
    assert curve.outlook.gain == pytest.approx(power(500) - power(400), abs=1e-6)
    assert curve.outlook.low == pytest.approx(curve.outlook.high, abs=1e-4)


def test_the_interval_covers_what_comes():
    """Of 200 noisy curves, 95 % of the intervals hold the true gain."""
    generator = np.random.default_rng(0)
    held = 0
    known = 0
    for _ in range(200):
        sizes = [50] * 3 + [100] * 3 + [200] * 3 + [400]
        points = [(size, 1 - (1 - power(size)) * np.exp(generator.normal(0, 0.03))) for size in sizes]
        found = outlook(points, MANY)
        if found.gain is not None:
            known += 1
            held += found.low <= power(500) - power(400) <= found.high
    assert known > 180
    assert 0.9 < held / known <= 1


def test_a_curve_that_flattens_is_not_continued():
    def flat(labels):
        return min(power(labels), power(150))

    found = learning_curve(LABELS, flat(400), lambda rows: flat(len(rows)), MANY).outlook
    assert (found.gain, found.low, found.high) == (None, None, None)
    assert found.reason == "the accuracy with all labels is not the one that the smaller parts foretell"


def test_few_labels_reach_no_further_than_twice_as_many():
    points = [(size, power(size)) for size in (10, 10, 20, 20, 40)]
    found = outlook(points, MANY)
    assert found.more == 40
    assert found.gain == pytest.approx(power(80) - power(40), abs=1e-6)


def test_too_few_labels_to_train_on_parts():
    asked = []
    curve = learning_curve(np.array([0, 0, 0, 1, 1, 1]), 0.8, asked.append, 100)
    assert curve.points == ((6, 0.8),) and not asked
    assert curve.outlook.gain is None and curve.outlook.reason == "too few labels to train on parts of them"


def test_perfect_scores_bring_nothing_more():
    found = learning_curve(LABELS, 1.0, lambda rows: 1.0, 100).outlook
    assert found.gain == pytest.approx(0, abs=1e-9)


def test_parts_are_drawn_by_class():
    labels = np.array([0] * 80 + [1] * 16 + [2] * 2)
    rows = draw(labels, 24, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [20, 4, 1]
    assert (np.diff(rows) > 0).all()
    assert (draw(labels, 24, np.random.default_rng(1)) != rows).any()


def test_bad_labels():
    with pytest.raises(InputError, match=r"train_labels: expected whole numbers \[N\], N >= 1, got float64 \[0\]"):
        learning_curve([], 0.5, lambda rows: 0.5, 10)
