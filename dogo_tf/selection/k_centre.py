"""k-centre: the image farthest from all that are labelled or chosen.

The greedy algorithm of Sener & Savarese, "Active learning for convolutional neural networks: a core-set approach" (ICLR 2018),
algorithm 1: no image is farther from its nearest chosen one than twice the smallest possible maximum. It likes outliers.

Time O(N d) for each choice, and O(N L d) in blocks for L labelled images before the first; memory O(N).
"""

from collections.abc import Iterator

import numpy as np
from sklearn.metrics import pairwise_distances_argmin_min

from dogo_tf.selection._pool import Choice, Pool, squared_distances


def choose(pool: Pool) -> Iterator[Choice]:
    nearest = np.full(len(pool.features), np.inf, np.float32)  # squared distance to what is labelled or chosen
    if len(pool.labelled):
        _, distances = pairwise_distances_argmin_min(pool.features, pool.features[pool.labelled])
        nearest = np.square(distances, dtype=np.float32)
        nearest[pool.labelled] = -1
        row = int(nearest.argmax())
    else:
        row = int(pool.in_random_order(pool.unlabelled)[0])
    while nearest[row] > 0:
        distance = nearest[row] ** 0.5
        why = f"farthest from all others: distance {distance:.2f}" if np.isfinite(distance) else "the first, at random"
        yield Choice(row, why)
        nearest = np.minimum(nearest, squared_distances(pool.features, pool.features[[row]])[:, 0])
        nearest[row] = -1
        row = int(nearest.argmax())
