"""How sure a difference is among many, and how many seeds would make it so.

The p value of a difference belongs to its interval (evaluate/intervals.py): it is the level at which the interval of that level
would just touch the value in question. Among m tests Holm's procedure keeps the chance of any false alarm below its level,
whatever depends on what (Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6): the k-th smallest p value is multiplied by m - k + 1, and none may be smaller than the one before it.
"""

import numpy as np
from scipy import optimize, stats

from dogo_tf.evaluate.intervals import Interval

LEVEL = 0.05
MOST_SEEDS = 1000  # beyond this nobody will train


def margin(
    interval: Interval, seeds: int, images: int, level: float = LEVEL, planned_seeds: int | None = None
) -> float:
    """Half the width of the interval of 1 - `level`.

    Args:
        interval: of at least two seeds. seeds, images: how many it rests on.
        planned_seeds: with so many seeds instead, if they scatter as those that there are; at least 2.
    """
    planned = planned_seeds or seeds
    of_seeds = stats.t.isf(level / 2, planned - 1) * interval.seeds_error * np.sqrt(seeds / planned)
    return float(np.hypot(of_seeds, stats.t.isf(level / 2, images - 1) * interval.images_error))


def p_value(interval: Interval, seeds: int, images: int) -> float | None:
    """Two-sided, of a difference of 0; None with one seed, which says nothing about others."""
    if seeds < 2:
        return None
    distance = abs(interval.mean)
    if distance == 0:
        return 1.0
    smallest = 1e-15
    if margin(interval, seeds, images, smallest) < distance:
        return smallest
    return float(optimize.brentq(lambda level: margin(interval, seeds, images, level) - distance, smallest, 1.0))


def holm(p_values) -> list[float]:
    """Adjusted p values, in the same order: compare each with the level that is to hold for all of them together."""
    p_values = np.asarray(p_values, np.float64)
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(p_values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()


def seeds_needed(interval: Interval, seeds: int, images: int, worthwhile: float, level: float = LEVEL) -> int | None:
    """The smallest number of seeds with which there would be a verdict, if mean and spread stay as they are.

    A verdict needs an interval of 1 - `level` that excludes 0, or the 95 % interval to exclude a gain of `worthwhile`.

    Returns:
        From 2 on; None if no number of seeds would do (the test images alone leave too much open), or none was tried.
    """
    if seeds < 2:
        return None
    for planned in range(2, MOST_SEEDS + 1):
        if margin(interval, seeds, images, level, planned) < abs(interval.mean):
            return planned
        if interval.mean + margin(interval, seeds, images, LEVEL, planned) < worthwhile:
            return planned
    return None
