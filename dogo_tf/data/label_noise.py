"""Wrong labels on purpose, for probes that learn from noisy ones."""

from typing import NamedTuple

import numpy as np

from dogo_tf.data.labels import LABEL_NOISE, check_labels, class_generator
from dogo_tf.errors import InputError, unknown_name

KINDS = ("pairwise", "symmetric")
MAX_SHARE = 0.8


class NoisyLabels(NamedTuple):
    """labels: int64 [N], some of them wrong. flipped: bool [N], where they are."""

    labels: np.ndarray
    flipped: np.ndarray


def noisy_labels(labels: np.ndarray, share: float, kind: str, classes: int, seed: int) -> NoisyLabels:
    """Gives round(share * n) of the n examples of every class a wrong label.

    For one seed the noise grows with its share: what is flipped at 20 % is flipped at 40 % too, and to the same label.
    Both kinds flip the same examples. The images that `stratified_fraction` keeps for this seed are drawn independently.

    Args:
        labels: integers [N] in 0 .. classes - 1; a class may be missing. They are not changed.
        share: of every class, 0..0.8. Every flipped label is wrong, so this is the noise rate itself; "symmetric" noise
            that draws over all the classes, the right one among them, has the rate share * (1 - 1 / classes).
        kind: "symmetric": uniform over the other classes; "pairwise": class c becomes c + 1, the last one 0.
        classes: how many there are, at least 2.
        seed: integer >= 0.
    Raises:
        InputError: share out of range, unknown kind, fewer than 2 classes, labels that are not integers in 0 .. classes - 1.
    """
    if not 0 <= share <= MAX_SHARE:
        raise InputError(f"share: expected a share of wrong labels in 0..{MAX_SHARE} (0.2 is 20 %), got {share!r}")
    if kind not in KINDS:
        raise unknown_name("kind of label noise", kind, KINDS)
    if classes < 2:
        raise InputError(f"classes: expected at least 2, because a wrong label is one of another class, got {classes}")
    labels = check_labels(labels)
    if labels.max() >= classes:
        raise InputError(f"labels: expected classes 0 to {classes - 1} ({classes} classes), got {labels.max()}")
    noisy, flipped = labels.astype(np.int64), np.zeros(len(labels), bool)
    for index in range(classes):
        members = np.flatnonzero(labels == index)
        generator = class_generator(seed, index, LABEL_NOISE)
        order = generator.permutation(len(members))
        # For every member, flipped or not: a larger share must not change what a smaller one drew.
        steps = generator.integers(1, classes, len(members)) if kind == "symmetric" else np.ones_like(members)
        wrong = order[: round(share * len(members))]
        flipped[members[wrong]] = True
        noisy[members[wrong]] = (index + steps[wrong]) % classes
    return NoisyLabels(noisy, flipped)
