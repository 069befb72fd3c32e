"""What an encoder, or two, see in images: neighbours, clusters, suspicious labels, where two encoders disagree."""

from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.knn import unit_rows
from dogo_tf.evaluate.suspects import Suspects, other_images, suspects_among

NEIGHBOURS = 20  # that vote on labels, and in which two encoders are compared
CLUSTERS = 20
_BATCH = 4096


class Looks(NamedTuple):
    """Of N images, with k = min(NEIGHBOURS, N - 1).

    neighbours: int32 [N, k], the most similar other images, the nearest first. clusters: int64 [N], from 0. suspects: see
    evaluate.suspects; None without labels. disagreement: float [N], 0..1, the share of the k neighbours that the other encoder
    has not among its own; None without one.
    """

    neighbours: np.ndarray
    clusters: np.ndarray
    suspects: Suspects | None
    disagreement: np.ndarray | None


def look(features, labels=None, other_features=None, seed: int = 0) -> Looks:
    """features: finite [N >= 2, d]. labels: whole numbers [N]. other_features: [N, any], of another encoder.

    seed: of the clusters.
    """
    if len(features) < 2:
        raise InputError(f"expected at least 2 images to compare with each other, got {len(features)}")
    k = min(NEIGHBOURS, len(features) - 1)
    cosines, neighbours = other_images(features, k)
    judged = None
    if labels is not None and len(np.unique(labels)) > 1:
        judged = suspects_among(cosines, neighbours, labels)
    disagreement = None
    if other_features is not None:
        _, others = other_images(other_features, k)
        disagreement = np.array([1 - len(np.intersect1d(*pair)) / k for pair in zip(neighbours, others, strict=True)])
    return Looks(neighbours, clusters(features, seed), judged, disagreement)


def clusters(features, seed: int = 0) -> np.ndarray:
    """The number of each row's cluster, int64 [N], of at most CLUSTERS; the largest cluster is 0. By directions of features."""
    from sklearn.cluster import MiniBatchKMeans  # slow to load

    rows = unit_rows(features)
    different = len(np.unique(rows[:_BATCH], axis=0))
    means = MiniBatchKMeans(min(CLUSTERS, different), batch_size=_BATCH, n_init=3, random_state=seed)
    found = means.fit_predict(rows)
    ranks = np.argsort(np.argsort(-np.bincount(found, minlength=CLUSTERS), kind="stable"))
    return ranks[found]
