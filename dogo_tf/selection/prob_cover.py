"""ProbCover: the image with the most images around it that no chosen one covers yet.

Yehuda, Dekel, Hacohen & Weinshall, "Active learning through a covering lens" (NeurIPS 2022): the greedy coverage of
_coverage.py by balls. Their radius is the largest at which 95 % of them are pure, i.e. hold images of one k-means cluster
only. The paper takes as many clusters as there are classes; here it is always CLUSTERS, as nobody has said how many classes
there are.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.neighbors import NearestNeighbors

from dogo_tf.selection._coverage import MOST_IMAGES, greedy
from dogo_tf.selection._pool import Choice, Pool

PURITY = 0.95
CLUSTERS = 10


def choose(pool: Pool) -> Iterator[Choice]:
    reach = radius(pool)

    def ball(squared):
        return (squared <= reach**2).astype(np.float32)

    for row, gain in greedy(pool, ball):
        yield Choice(row, f"covers {100 * gain:.2f} % more of the images, those within {reach:.2f}")


def radius(pool: Pool) -> float:
    """The largest one at which the share PURITY of the balls around images holds no image of another cluster."""
    features = pool.features[pool.sample(np.arange(len(pool.features)), MOST_IMAGES)]
    numbers = clusters(features, pool.seed)
    # A ball is pure up to the nearest image of another cluster.
    pure_up_to = np.full(len(features), 2.0)
    for cluster in np.unique(numbers):
        others = features[numbers != cluster]
        if len(others):
            nearest, _ = (
                NearestNeighbors(n_neighbors=1, algorithm="brute").fit(others).kneighbors(features[numbers == cluster])
            )
            pure_up_to[numbers == cluster] = nearest[:, 0]
    return float(np.quantile(pure_up_to, 1 - PURITY))


def clusters(features: np.ndarray, seed: int) -> np.ndarray:
    """The number of each row's cluster, [N]."""
    means = MiniBatchKMeans(min(CLUSTERS, len(features)), random_state=seed, n_init=3)
    return means.fit_predict(features)
