"""Which range of real values an activation's 256 integers cover: by the extremes that occur, by percentiles, by squared error.

One outlier widens a range of extremes and makes every step of it coarser. The other rules cut it off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dogo_tf.export.int8.graph_file import Grid
from dogo_tf.platform.keras_compat import tf

if TYPE_CHECKING:
    from dogo_tf.export.int8.network import Network

BINS = 8192
BATCH = 16
# Shares of a range's halves among which the least squared error is looked for.
SHARES = np.linspace(1, 0.1, 46)


@dataclass(frozen=True)
class Histogram:
    """Of the values of one group of tensors: counts [BINS] in low..high, its extremes."""

    low: float
    high: float
    counts: np.ndarray

    def percentiles(self, share: float) -> tuple[float, float]:
        """The range that holds `share` (0..1) of the values, with as many below it as above."""
        below = np.cumsum(self.counts) / self.counts.sum()
        edges = np.linspace(self.low, self.high, BINS + 1)
        rest = (1 - share) / 2
        return float(edges[np.searchsorted(below, rest, "right")]), float(edges[np.searchsorted(below, 1 - rest) + 1])

    def least_error(self) -> tuple[float, float]:
        """The range with the least squared error of rounding and cutting off; its ends are looked for in turn, twice."""
        ends = self.low, self.high
        extremes = ends
        for side in (1, 0, 1, 0):
            tried = [tuple(extremes[k] * share if k == side else ends[k] for k in (0, 1)) for share in SHARES]
            ends = min(tried, key=lambda pair: self.squared_error(*pair))
        return ends

    def squared_error(self, low: float, high: float) -> float:
        """Mean over the values of (value - value on the grid of low..high) ** 2."""
        grid = Grid.over(low, high)
        edges = np.linspace(self.low, self.high, BINS + 1)
        values = (edges[1:] + edges[:-1]) / 2
        rounded = np.clip(np.round(values / grid.scale) * grid.scale, grid.low, grid.high)
        return float(((values - rounded) ** 2 * self.counts).sum() / self.counts.sum())


# Name -> Histogram -> (low, high).
RULES = {
    "min-max": lambda histogram: (histogram.low, histogram.high),
    "percentile 99.99": lambda histogram: histogram.percentiles(0.9999),
    "percentile 99.9": lambda histogram: histogram.percentiles(0.999),
    "least squared error": Histogram.least_error,
}


def histograms(network: Network, images: np.ndarray) -> dict[tuple[int, ...], Histogram]:
    """Group of tensors -> what their values are in float32, over uint8 images [N, H, W, 3]."""
    groups = network.file.groups
    signature = [tf.TensorSpec([None, *images.shape[1:]], tf.float32)]

    @tf.function(input_signature=signature)
    def extremes(batch):
        values = _of_groups(network, batch)
        return tf.stack([[tf.reduce_min(value), tf.reduce_max(value)] for value in values])

    @tf.function(input_signature=[*signature, tf.TensorSpec([len(groups), 2])])
    def counts(batch, limits):
        values = _of_groups(network, batch)
        return tf.stack([tf.histogram_fixed_width(v, limits[k], BINS) for k, v in enumerate(values)])

    batches = [images[i : i + BATCH].astype(np.float32) for i in range(0, len(images), BATCH)]
    found = np.stack([extremes(batch).numpy() for batch in batches])
    limits = np.stack([found[..., 0].min(0), found[..., 1].max(0)], 1)
    limits[:, 1] = np.maximum(limits[:, 1], limits[:, 0] + np.maximum(1e-9, 1e-6 * np.abs(limits[:, 0])))
    total = sum(counts(batch, limits).numpy().astype(np.int64) for batch in batches)
    return {
        group: Histogram(float(low), float(high), count)
        for group, (low, high), count in zip(groups, limits, total, strict=True)
    }


def _of_groups(network, batch):
    values = network.tensors(batch, rounded=False)
    return [tf.concat([tf.reshape(values[number], [-1]) for number in group], 0) for group in network.file.groups]
