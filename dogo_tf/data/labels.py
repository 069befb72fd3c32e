"""Subsets of labelled images, for probes with few labels and on few images."""

from collections.abc import Sequence

import numpy as np

from dogo_tf.errors import InputError

# What a draw is for. The same seed may decide all three, and must not find the wrong labels among the few that are kept.
FEW_LABELS, LABEL_NOISE, IMBALANCE = range(3)


def stratified_fraction(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Sorted int64 indices of the share `fraction` (0 < fraction <= 1) of every class, at least one example a class.

    labels: integers [N], classes 0 .. max(labels). A class of n examples gives max(1, round(fraction * n)), drawn by
    `seed` and the class alone, so that for one seed a smaller fraction is a subset of a larger one. A class too small for
    its share keeps one example, because a class without any could never be answered right; the subset is then a little
    larger than the share.
    Raises InputError for a fraction out of range, labels that are not integers >= 0, and a class without examples.
    """
    if not 0 < fraction <= 1:
        raise InputError(f"fraction: expected a share in 0 < fraction <= 1 (0.01 is 1 %), got {fraction!r}")
    labels = check_labels(labels)
    kept = [max(1, round(fraction * count)) for count in class_counts(labels)]
    return draw_of_every_class(labels, kept, seed, FEW_LABELS)


def spread_over_classes(labels: np.ndarray, count: int) -> np.ndarray:
    """Sorted int64 indices of `count` of the N images, evenly spaced in the order of their classes; a function of both alone.

    So each class gives its share, rounded up or down, and the images of a class come from all over it: folders list images
    class by class, and frames of a film one after the other. Evenly spaced in the order as it is would not do: `patterns` has
    its classes in turns.

    labels: integers [N]. count: 1 .. N.
    """
    by_class = np.argsort(labels, kind="stable")
    return np.sort(by_class[(2 * np.arange(count) + 1) * len(labels) // (2 * count)])


def check_labels(labels) -> np.ndarray:
    """`labels` as an array; InputError unless it is integers >= 0 of shape [N >= 1]."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not labels.size:
        raise InputError(f"labels: expected integers [N], N >= 1, got {labels.dtype} {list(labels.shape)}")
    if labels.min() < 0:
        raise InputError(f"labels: expected classes from 0 on, got {labels.min()} (often used for 'unlabelled')")
    return labels


def class_counts(labels: np.ndarray) -> list[int]:
    """How many examples each of the classes 0 .. max(labels) has; InputError if one has none."""
    counts = np.bincount(labels)
    if not counts.all():
        raise InputError(f"labels: class {np.argmin(counts)} has no examples; classes run from 0 to {len(counts) - 1}")
    return counts.tolist()


def draw_of_every_class(labels: np.ndarray, kept: Sequence[int], seed: int, purpose: int) -> np.ndarray:
    """Sorted int64 indices of kept[c] random examples of every class c; with fewer kept, a subset of them."""
    chosen = []
    for index, count in enumerate(kept):
        members = np.flatnonzero(labels == index)
        chosen.append(members[class_generator(seed, index, purpose).permutation(len(members))[:count]])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def class_generator(seed: int, index: int, purpose: int) -> np.random.Generator:
    """The random numbers of class `index` for one purpose (FEW_LABELS, ...), independent of every other's."""
    return np.random.default_rng([seed, index, purpose])
