"""What every function on logits and labels expects of them."""

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import all_finite


def checked_logits(logits, labels) -> tuple[np.ndarray, np.ndarray]:
    """(float64 [N, C], int64 [N]), or InputError unless there are N >= 1 finite rows of C >= 2 and labels in 0..C-1."""
    logits, labels = np.asarray(logits), np.asarray(labels)
    if logits.ndim != 2 or logits.shape[1] < 2 or not len(logits) or logits.dtype.kind not in "fiu":
        raise InputError(
            f"logits: expected numbers [N, C] with N >= 1 images and C >= 2 classes, got {logits.dtype} {list(logits.shape)}"
        )
    if not all_finite(logits):
        raise InputError(f"logits: NaN or infinite values; first in row {_first_broken(logits)}")
    return logits.astype(np.float64), checked_labels("labels", labels, len(logits), logits.shape[1])


def checked_labels(name: str, labels, count: int, classes: int) -> np.ndarray:
    """int64 [count], or InputError unless they are whole numbers in 0..classes-1."""
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"{name}: expected a whole number for each of {count} images, got {labels.dtype} {list(labels.shape)}"
        )
    if count and not 0 <= labels.min() <= labels.max() < classes:
        raise InputError(f"{name}: expected classes 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    return labels.astype(np.int64)


def _first_broken(logits: np.ndarray) -> int:
    return int(np.flatnonzero(~np.isfinite(logits).all(axis=1))[0])
