"""Ranges from histograms: the rules, and what is counted."""

import numpy as np
import pytest

from dogo_tf.export.int8.graph_file import Grid, Int8File
from dogo_tf.export.int8.network import Network
from dogo_tf.export.int8.ranges import BINS, RULES, Histogram, histograms


def histogram(values):
    counts, _ = np.histogram(values, BINS, (values.min(), values.max()))
    return Histogram(float(values.min()), float(values.max()), counts)


NORMAL = np.random.default_rng(0).normal(size=200_000)


def test_extremes_keep_everything_and_percentiles_what_they_say():
    found = histogram(NORMAL)
    assert RULES["min-max"](found) == (NORMAL.min(), NORMAL.max())
    low, high = RULES["percentile 99.9"](found)
    assert (low, high) == pytest.approx(np.quantile(NORMAL, [0.0005, 0.9995]), abs=0.01)


def test_the_squared_error_is_that_of_rounding_the_values():
    grid = Grid.over(-2, 2)
    rounded = np.clip(np.round(NORMAL / grid.scale) * grid.scale, grid.low, grid.high)
    assert histogram(NORMAL).squared_error(-2, 2) == pytest.approx(np.mean((NORMAL - rounded) ** 2), rel=0.02)


def test_the_least_error_cuts_long_tails_off_and_nothing_else():
    tails = histogram(np.random.default_rng(1).standard_t(3, size=200_000))
    low, high = tails.least_error()
    error = tails.squared_error(low, high)
    assert tails.low < low and high < tails.high and error < 0.8 * tails.squared_error(tails.low, tails.high)
    ends = np.linspace(4, 90, 30)
    assert error < 1.05 * min(tails.squared_error(-below, above) for below in ends for above in ends)
    even = histogram(np.linspace(0, 6, 10_000))
    assert even.least_error() == pytest.approx((0, 6), abs=0.2)


def test_histograms_count_every_value_of_every_group(gated, calibration_images):
    file = Int8File(gated["int8"], gated["float32"])
    network, images = Network(file), calibration_images[:40]
    found = histograms(network, images)
    assert set(found) == set(file.groups)
    values = network.tensors(images.astype(np.float32), rounded=False)
    for group, histogram in found.items():
        together = np.concatenate([np.ravel(values[number]) for number in group])
        assert histogram.counts.sum() == len(together)
        assert (histogram.low, histogram.high) == pytest.approx((together.min(), together.max()), abs=1e-5)
