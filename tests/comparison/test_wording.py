"""Numbers as people read them, to the letter."""

import pytest

from dogo_tf.comparison.wording import accuracy_percent, signed_points
from dogo_tf.evaluate.intervals import Interval


@pytest.mark.parametrize(
    "mean, low, high, expected",
    [
        (0.016, 0.009, 0.0232, "+1.6 (0.9 to 2.3)"),
        (-0.004, -0.011, 0.003, "-0.4 (-1.1 to 0.3)"),
        (0.01, 0.0003, 0.0197, "+1.00 (0.03 to 1.97)"),
        (0.0, 0.0, 0.0, "+0.0 (0.0 to 0.0)"),
        (-0.0001, -0.0101, 0.0099, "+0.0 (-1.0 to 1.0)"),
    ],
)
def test_points_show_on_which_side_of_zero_an_interval_ends(mean, low, high, expected):
    assert signed_points(Interval(mean, low, high, 0.1, 0.1)) == expected


def test_an_accuracy():
    assert accuracy_percent(Interval(0.573, 0.564, 0.582, 0.1, 0.1)) == "57.3 (56.4 to 58.2)"
