"""Weighted nearest-neighbour classification of frozen features: no training, no tuning, one number."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_labelled
from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.progress import Progress

# A block of similarities, [rows, bank], or of votes, [rows, classes], stays below this.
BLOCK_BYTES = 64 * 2**20
# Rows of the bank that are looked through at a time, in float32.
BANK_BYTES = 256 * 2**20


class KnnResult(NamedTuple):
    """accuracy: share of test images, 0..1; predictions: [N_test] labels; k: the neighbours that voted."""

    accuracy: float
    predictions: np.ndarray
    k: int


def knn_accuracy(train_features, train_labels, test_features, test_labels, k=200, temperature=0.1) -> KnnResult:
    """Each test image takes the label with the largest sum of exp(cosine / temperature) over its k nearest train images.

    Wu et al., "Unsupervised feature learning via non-parametric instance discrimination" (CVPR 2018), section 3.4:
    k = 200, temperature 0.07. The defaults, 200 and 0.1, are those of later benchmarks on CIFAR-10 (MoCo's CIFAR
    demonstration, lightly), so that numbers can be compared. A tie goes to the smaller label.

    Args:
        train_features, test_features: [N, d], any scale (the rows are normalised here).
        train_labels, test_labels: whole numbers [N].
        k: neighbours; all of train if it holds fewer.
        temperature: > 0; smaller gives the nearest ones more weight.
    Raises:
        InputError: shapes that do not fit, NaN features, a test class that train lacks, k or temperature out of range.
    """
    train_features, test_features = np.asarray(train_features), np.asarray(test_features)
    train_labels, test_labels = np.asarray(train_labels), np.asarray(test_labels)
    check_labelled(train_features, train_labels, test_features, test_labels)
    check_vote(k, temperature)
    k = min(k, len(train_labels))
    classes, class_numbers = np.unique(train_labels, return_inverse=True)
    cosines, neighbours = nearest(test_features, train_features, k)
    winners = np.empty(len(cosines), np.int64)
    for rows, shares in votes(cosines, class_numbers[neighbours], len(classes), temperature):
        winners[rows] = shares.argmax(axis=1)
    predictions = classes[winners]
    return KnnResult(float(np.mean(predictions == test_labels)), predictions, k)


def votes(cosines, neighbour_classes, classes, temperature) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of rows, and for each of them [rows, classes]: every class's share of an image's weighted votes, 0..1.

    A neighbour's weight is exp(cosine / temperature). By blocks, as [N, classes] as a whole may not fit into memory.

    cosines: [N, k]. neighbour_classes: [N, k], 0 .. classes - 1. temperature: > 0.
    """
    block = max(1, BLOCK_BYTES // (8 * classes))
    for start in range(0, len(cosines), block):
        rows = slice(start, min(start + block, len(cosines)))
        # The largest cosine's weight becomes 1, so that nothing overflows and not all of them vanish.
        found = cosines[rows].astype(np.float64)
        weights = np.exp((found - found.max(axis=1, keepdims=True)) / temperature)
        cells = np.arange(len(found))[:, None] * classes + neighbour_classes[rows]
        sums = np.bincount(cells.ravel(), weights.ravel(), minlength=len(found) * classes).reshape(-1, classes)
        yield rows, sums / weights.sum(axis=1, keepdims=True)


def check_vote(k, temperature) -> None:
    if not (k >= 1 and 0 < temperature < float("inf")):
        raise InputError(f"k and temperature: expected k >= 1 and temperature > 0, got {k} and {temperature}")


def nearest(queries, bank, k) -> tuple[np.ndarray, np.ndarray]:
    """The k rows of `bank` [M, d] most similar to each row of `queries` [N, d].

    Works by blocks of both, which may lie on disk, so that memory stays bounded. A zero row has cosine 0 with everything.

    Returns:
        Their cosines, float32 [N, k], and row numbers, int32 [N, k], best first; of equals, the lower row number first.
    """
    cosines, rows = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int32)
    bank_block = max(1, BANK_BYTES // (4 * bank.shape[1]))
    with Progress("finding nearest neighbours", len(queries) * -(-len(bank) // bank_block)) as progress:
        for first in range(0, len(bank), bank_block):
            part = tf.constant(unit_rows(bank[first : first + bank_block]))
            block, merged = max(1, BLOCK_BYTES // (4 * len(part))), []
            for start in range(0, len(queries), block):
                some = slice(start, start + block)
                here = tf.math.top_k(tf.matmul(unit_rows(queries[some]), part, transpose_b=True), min(k, len(part)))
                merged.append(_best(k, (cosines[some], rows[some]), (here.values, here.indices + first)))
                progress.update(len(queries) * (first // bank_block) + min(start + block, len(queries)))
            cosines, rows = (np.concatenate(column) for column in zip(*merged, strict=True))
    return cosines, rows


def _best(k, earlier, later) -> tuple[np.ndarray, np.ndarray]:
    """The k best, or all, of two lists of (cosines, rows), each [N, any]; of equals those of the earlier list first."""
    cosines, rows = (np.concatenate(columns, axis=1) for columns in zip(earlier, later, strict=True))
    chosen = tf.math.top_k(cosines, min(k, cosines.shape[1])).indices.numpy()
    return np.take_along_axis(cosines, chosen, axis=1), np.take_along_axis(rows, chosen, axis=1)


def unit_rows(features) -> np.ndarray:
    """[N, d] -> float32 rows of length 1; a zero row stays zero."""
    features = np.asarray(features, np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return (features / np.where(lengths > 0, lengths, 1)).astype(np.float32)
