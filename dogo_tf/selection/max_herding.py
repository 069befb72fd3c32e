"""MaxHerding: the image that brings most images closer to a chosen one.

Bae, Noh & Sutherland, "Generalized coverage for more robust low-budget active learning" (ECCV 2024): the greedy coverage of
_coverage.py with a Gaussian kernel, on features of length 1.
"""

from collections.abc import Iterator

import numpy as np

from dogo_tf.selection._coverage import greedy
from dogo_tf.selection._pool import Choice, Pool

WIDTH = 1.0  # unrelated images, at a distance of 1.4, still count a little: exp(-1)


def choose(pool: Pool) -> Iterator[Choice]:
    def kernel(squared):
        return np.exp(squared / (-2 * WIDTH**2))

    for row, gain in greedy(pool, kernel):
        yield Choice(row, f"brings the images closer to a chosen one: mean similarity +{gain:.4f}")
