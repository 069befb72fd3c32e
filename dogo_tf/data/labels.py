"""Subsets of labels, for probes with few of them."""

import numpy as np

from dogo_tf.errors import InputError


def stratified_fraction(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Sorted int64 indices of the share `fraction` (0 < fraction <= 1) of every class, at least one example a class.

    labels: integers [N], classes 0 .. max(labels). A class of n examples gives max(1, round(fraction * n)), drawn by
    `seed` and the class alone, so that for one seed a smaller fraction is a subset of a larger one.
    Raises InputError for a fraction out of range, labels that are not integers >= 0, and a class without examples.
    """
    if not 0 < fraction <= 1:
        raise InputError(f"fraction: expected a share in 0 < fraction <= 1 (0.01 is 1 %), got {fraction!r}")
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not labels.size:
        raise InputError(f"labels: expected integers [N], N >= 1, got {labels.dtype} {list(labels.shape)}")
    if labels.min() < 0:
        raise InputError(f"labels: expected classes from 0 on, got {labels.min()} (often used for 'unlabelled')")
    counts = np.bincount(labels)
    if not counts.all():
        raise InputError(f"labels: class {np.argmin(counts)} has no examples; classes run from 0 to {len(counts) - 1}")
    chosen = []
    for index, count in enumerate(counts):
        order = np.random.default_rng([seed, index]).permutation(count)
        kept = max(1, round(fraction * int(count)))
        chosen.append(np.flatnonzero(labels == index)[order[:kept]])
    return np.sort(np.concatenate(chosen)).astype(np.int64)
