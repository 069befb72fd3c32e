"""p values that belong to the intervals, Holm's correction, and the number of seeds."""

import itertools

import numpy as np
import pytest
from scipy import stats

from dogo_tf.comparison.significance import LEVEL, MOST_SEEDS, holm, margin, p_value, seeds_needed
from dogo_tf.evaluate.intervals import Interval, difference_interval


def scores(effect, seeds=4, images=300, seed=0):
    generator = np.random.default_rng(seed)
    hard = generator.random(images)
    pair = [np.clip(hard + generator.normal(0, 0.2, (seeds, images)), 0, 1) for _ in range(2)]
    return np.clip(pair[0] + effect, 0, 1), pair[1]


@pytest.mark.parametrize("effect", [-0.02, 0.0, 0.004, 0.01, 0.03])
def test_the_p_value_is_below_5_percent_where_the_95_percent_interval_excludes_0(effect):
    for seed in range(20):
        interval = difference_interval(*scores(effect, seed=seed))
        excluded = interval.low > 0 or interval.high < 0
        assert (p_value(interval, 4, 300) < LEVEL) == excluded
        assert margin(interval, 4, 300) == pytest.approx(interval.high - interval.mean)


def test_without_an_error_over_images_it_is_students_test():
    values = np.array([0.01, 0.03, 0.02, 0.05])
    interval = Interval(values.mean(), 0, 0, values.std(ddof=1) / 2, 0.0)
    assert p_value(interval, 4, 1000) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_no_difference_one_seed_and_no_doubt_at_all():
    assert p_value(Interval(0.0, 0.0, 0.0, 0.0, 0.0), 3, 100) == 1
    assert p_value(Interval(0.1, 0.09, 0.11, None, 0.01), 1, 100) is None
    assert 0 < p_value(Interval(0.1, 0.1, 0.1, 0.0, 0.0), 3, 100) <= 1e-12


def test_holm_by_its_definition():
    """A hypothesis is rejected at a level if the closed test rejects every intersection with it, by Bonferroni."""
    generator = np.random.default_rng(0)
    for _ in range(20):
        found = generator.random(5) ** 3
        expected = [
            max(
                min(1, len(subset) * min(found[list(subset)]))
                for size in range(1, 6)
                for subset in itertools.combinations(range(5), size)
                if k in subset
            )
            for k in range(5)
        ]
        assert holm(found) == pytest.approx(expected)


def test_holm_on_known_numbers():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # statsmodels' multipletests
    assert holm([0.9, 0.8]) == [1, 1] and holm([]) == [] and holm([0.02]) == [0.02]


def test_one_false_alarm_in_twenty_families_at_most():
    generator = np.random.default_rng(1)
    families = generator.random((4000, 24))
    alarms = np.mean([min(holm(family)) < LEVEL for family in families])
    assert 0.03 < alarms < 0.06 and np.mean((families < LEVEL).any(axis=1)) > 0.6


def test_seeds_needed_is_the_first_number_whose_margin_is_small_enough():
    interval = Interval(0.01, -0.01, 0.03, 0.008, 0.001)  # of 3 seeds: t[2] 4.30 * 0.8 points is too much
    needed = seeds_needed(interval, 3, 1000, 0.005)

    def half(seeds):
        of_seeds = stats.t.ppf(0.975, seeds - 1) * 0.008 * np.sqrt(3) / np.sqrt(seeds)
        return np.hypot(of_seeds, stats.t.ppf(0.975, 999) * 0.001)

    assert half(needed) < 0.01 <= half(needed - 1) and needed > 3
    assert seeds_needed(interval, 3, 1000, 0.005, level=0.025) > needed


def test_seeds_needed_to_exclude_a_gain_and_what_no_seeds_can_tell():
    assert seeds_needed(Interval(0.0, -0.02, 0.02, 0.004, 0.001), 3, 1000, 0.005) == pytest.approx(14, abs=4)
    assert seeds_needed(Interval(0.004, -0.02, 0.03, 0.004, 0.01), 3, 1000, 0.005) is None
    assert seeds_needed(Interval(0.004, -0.02, 0.03, None, 0.01), 1, 1000, 0.005) is None
    assert seeds_needed(Interval(1e-4, -0.02, 0.03, 0.5, 0.0), 3, 1000, 0.0) is None and MOST_SEEDS >= 100
