"""What a method of selection sees, and what it answers."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from sklearn.preprocessing import StandardScaler

from dogo_tf.evaluate.knn import unit_rows

BLOCK = 2**14  # rows at a time, where what is computed for each is larger than the row


class Choice(NamedTuple):
    """row: of an image. why: it was chosen, in words for the user."""

    row: int
    why: str


@dataclass(frozen=True, eq=False)
class Pool:
    """N images by their features.

    features: float32 [N, d], standardised, then rows of length 1. Without the first, the features of an encoder that ends in a
    ReLU point all in nearly the same direction. labelled: int64 [L], rows that have a label.
    labels: int64 [L], their classes; None if unknown. class_names: of the classes; may be empty. seed: of all that is drawn.
    """

    features: np.ndarray
    labelled: np.ndarray
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    seed: int

    @classmethod
    def of(cls, features, labelled, labels, class_names, seed) -> "Pool":
        """features: [N, d], any scale; may lie on disk."""
        blocks = [slice(start, start + BLOCK) for start in range(0, len(features), BLOCK)]
        scaler = StandardScaler()
        for block in blocks:
            scaler.partial_fit(features[block])
        rows = np.empty(features.shape, np.float32)
        for block in blocks:
            rows[block] = unit_rows(scaler.transform(features[block]))
        return cls(rows, labelled, labels, class_names, seed)

    @cached_property
    def unlabelled(self) -> np.ndarray:
        """The rows without a label, ascending."""
        return np.setdiff1d(np.arange(len(self.features)), self.labelled)

    def in_random_order(self, rows: np.ndarray) -> np.ndarray:
        """Sorted by lots that the seed gives to all images, so that what is labelled does not change the order of the rest."""
        return rows[np.argsort(self._lots[rows])]

    def sample(self, rows: np.ndarray, most: int) -> np.ndarray:
        """`rows` (ascending) if they are no more than `most`, else so many of them at random, ascending."""
        return rows if len(rows) <= most else np.sort(self.in_random_order(rows)[:most])

    def class_name(self, number: int) -> str:
        return self.class_names[number] if self.class_names else str(number)

    @cached_property
    def _lots(self) -> np.ndarray:
        return np.random.default_rng(self.seed).permutation(len(self.features))


def squared_distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """float32 [n, m], 0..4, between features [n, d] and [m, d] of length 1; twice what their cosine lacks to 1."""
    return np.maximum(2 - 2 * (rows @ others.T), 0)
