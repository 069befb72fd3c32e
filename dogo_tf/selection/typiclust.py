"""TypiClust: the most typical image of the largest cluster that has no label.

Hacohen, Dekel & Weinshall, "Active learning on a budget: opposite strategies suit high and low budgets" (ICML 2022). An image
is as typical as its NEIGHBOURS nearest ones in the cluster are near (equation 4); in a small cluster half of its images are
asked, as in the authors' program.

The paper clusters anew for every budget B, into as many clusters as there are labels plus B; then the first 50 images of 100
are not those of 50. Here clusters only ever become finer: once each has a label, the one with the largest scatter is split in
two by k-means. So a cluster without a label is there for the next image, and which one depends on nothing but what is
labelled.

Time O(N d) for each layer of finer clusters, O(N + MOST_IMAGES^2 d) for a choice; memory O(N).
"""

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors

from dogo_tf.selection._pool import BLOCK, Choice, Pool

NEIGHBOURS = 20
SMALLEST = 5  # images of a cluster; fewer are outliers
MOST_IMAGES = 10_000  # of a cluster that are compared with each other; of more, so many at random


def choose(pool: Pool) -> Iterator[Choice]:
    has_label = np.zeros(len(pool.features), bool)
    has_label[pool.labelled] = True
    clusters = [np.arange(len(pool.features))]
    scatters = [scatter(pool, clusters[0])]
    while True:
        free = [number for number, rows in enumerate(clusters) if len(rows) >= SMALLEST and not has_label[rows].any()]
        if free:
            rows = clusters[max(free, key=lambda number: len(clusters[number]))]
            row = typical(pool, rows)
            has_label[row] = True
            yield Choice(row, f"typical of a cluster of {len(rows):,} images without a label")
            continue
        widest = int(np.argmax(scatters))
        if scatters[widest] <= 0:
            return
        halves = split(pool, clusters[widest])
        clusters[widest : widest + 1] = halves
        scatters[widest : widest + 1] = [scatter(pool, half) for half in halves] if len(halves) == 2 else [0.0]


def typical(pool: Pool, rows: np.ndarray) -> int:
    """The one of a cluster's rows with the smallest mean distance to its nearest ones; of equals the first."""
    rows = pool.sample(rows, MOST_IMAGES)
    neighbours = min(NEIGHBOURS, len(rows) // 2)
    finder = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(pool.features[rows])
    distances, _ = finder.kneighbors()
    return int(rows[distances.mean(axis=1).argmin()])


def split(pool: Pool, rows: np.ndarray) -> list[np.ndarray]:
    """A cluster's rows in two, each ascending; one alone, if they are all alike."""
    means = KMeans(2, n_init=1, random_state=pool.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # copies of one image only
        means.fit(pool.features[pool.sample(rows, MOST_IMAGES)])
    second = np.empty(len(rows), bool)
    for start in range(0, len(rows), BLOCK):
        block = slice(start, start + BLOCK)
        second[block] = means.predict(pool.features[rows[block]]) == 1
    return [half for half in (rows[~second], rows[second]) if len(half)]


def scatter(pool: Pool, rows: np.ndarray) -> float:
    """The sum of squared distances to the mean; 0 for a cluster that is too small, or of one image, to be split."""
    features = pool.features[pool.sample(rows, MOST_IMAGES)].astype(np.float64)
    spread = float(features.var(axis=0).sum())
    return len(rows) * spread if len(rows) >= 2 * SMALLEST and spread > 1e-9 else 0.0
