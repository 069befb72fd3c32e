"""Greedy coverage: each next image adds most to how well all images are represented by their nearest chosen one.

The coverage of a set S is the mean over the images x of max over s in S of k(x, s), with a kernel k in 0..1 (Bae, Noh &
Sutherland, "Generalized coverage for more robust low-budget active learning", ECCV 2024): that of ProbCover for a kernel that
is 1 within a radius and 0 beyond. An image's gain only falls while S grows (the coverage is submodular). So a gain from
before is an upper bound, and only the few with the highest bounds are computed anew (Minoux, "Accelerated greedy algorithms
for maximizing submodular set functions", 1978): exact, and much faster.
"""

from collections.abc import Callable, Iterator

import numpy as np

from dogo_tf.selection._pool import Pool, squared_distances

# Of more images so many at random stand for all, to be covered and to be chosen from: a mean over them has a standard error of
# 0.5 % of its range at most.
MOST_IMAGES = 10_000
# Two images that are near to each other alone gain exactly the same, whichever is chosen. Rounding, which differs by machine,
# must not decide: gains are compared to a thousandth of an image.
DECIMALS = 3
BLOCK = 256  # gains computed at a time: kernels [BLOCK, MOST_IMAGES]


def greedy(pool: Pool, kernel: Callable[[np.ndarray], np.ndarray]) -> Iterator[tuple[int, float]]:
    """(row, gain) of one image after the other, until none gains anything; of equals the lowest row.

    kernel: squared distances, float32 [n, m] -> values in 0..1, falling.
    Time O(M^2 d) before the first choice with M = min(N, MOST_IMAGES), then a small multiple of O(BLOCK M d) for each.
    """
    rows = pool.sample(np.arange(len(pool.features)), MOST_IMAGES)
    covered = pool.features[rows]
    candidates = np.setdiff1d(rows, pool.labelled)
    reached = np.zeros(len(rows), np.float32)  # the kernel between each image and its nearest labelled or chosen one

    def kernels(chosen):
        return kernel(squared_distances(pool.features[chosen], covered))

    for start in range(0, len(pool.labelled), BLOCK):
        np.maximum(reached, kernels(pool.labelled[start : start + BLOCK]).max(axis=0), out=reached)
    bounds = np.full(len(candidates), np.inf)
    while len(candidates):
        fresh = np.zeros(len(candidates), bool)
        while not fresh[best := bounds.argmax()]:
            stale = np.flatnonzero(~fresh)
            block = np.sort(stale[np.argsort(-bounds[stale], kind="stable")[:BLOCK]])
            gains = np.maximum(kernels(candidates[block]) - reached, 0).sum(axis=1, dtype=np.float64)
            bounds[block] = gains.round(DECIMALS)
            fresh[block] = True
        if bounds[best] <= 0:
            return
        yield int(candidates[best]), float(bounds[best]) / len(rows)
        np.maximum(reached, kernels(candidates[[best]])[0], out=reached)
        bounds[best] = -np.inf
        if not np.isfinite(bounds).any():
            return
