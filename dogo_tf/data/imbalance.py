"""Subsets in which some classes are rare: the long tail of the authors, and the one of long-tailed CIFAR."""

import math

import numpy as np

from dogo_tf.data.labels import IMBALANCE, check_labels, class_counts, draw_of_every_class
from dogo_tf.errors import InputError, unknown_name

GAMMA = 0.2


def imbalanced_indices(labels: np.ndarray, profile: str, n_max: int, n_min: int, seed: int) -> np.ndarray:
    """Sorted int64 indices of n_max random examples of class 0, n_min of the last class, in between by the profile.

    For one seed, a profile that keeps fewer of a class keeps a subset of what another keeps of it.

    Args:
        labels: integers [N], classes 0 .. max(labels).
        profile: "authors" (see authors_sizes) or "exponential" (see exponential_sizes).
        n_max, n_min: examples of the first and the last class, n_max >= n_min >= 1.
        seed: integer >= 0.
    Raises:
        InputError: unknown profile, n_max or n_min out of range, a single class, a class with fewer examples than its
            size, labels that are not integers >= 0.
    """
    if profile not in PROFILES:
        raise unknown_name("imbalance profile", profile, PROFILES)
    labels = check_labels(labels)
    counts = class_counts(labels)
    sizes = PROFILES[profile](len(counts), n_max, n_min)
    for index, (wanted, present) in enumerate(zip(sizes, counts, strict=True)):
        if wanted > present:
            raise InputError(
                f"labels: class {index} has {present} examples, but the profile {profile!r} from n_max {n_max} "
                f"to n_min {n_min} wants {wanted} of it"
            )
    return draw_of_every_class(labels, sizes, seed, IMBALANCE)


def authors_sizes(classes: int, n_max: int, n_min: int) -> list[int]:
    """Examples of every class in the imbalanced sets of the method's authors: round(a / (b + c**GAMMA)), c = 1..classes.

    a and b solve a / (b + 1) = n_max and a / (b + classes**GAMMA) = n_min. That makes 1 / size linear in c**GAMMA from
    1 / n_max to 1 / n_min, which is how it is computed: it needs no case of its own for n_max = n_min, where a and b
    are infinite. InputError unless classes >= 2 and n_max >= n_min >= 1.
    """
    _check(classes, n_max, n_min)
    progress = [(c**GAMMA - 1) / (classes**GAMMA - 1) for c in range(1, classes + 1)]
    return [round(n_max * n_min / (n_min + (n_max - n_min) * p)) for p in progress]


def exponential_sizes(classes: int, n_max: int, n_min: int) -> list[int]:
    """Examples of every class in long-tailed CIFAR: n_max * (n_min / n_max)**((c - 1) / (classes - 1)), c = 1..classes.

    Rounded down, as in the published sets (Cui et al., "Class-balanced loss based on effective number of samples", CVPR
    2019; imbalance factor n_max / n_min). InputError unless classes >= 2 and n_max >= n_min >= 1.
    """
    _check(classes, n_max, n_min)
    sizes = (n_max * (n_min / n_max) ** (c / (classes - 1)) for c in range(classes))
    # 49 * (1 / 49) is a last bit less than 1 in floating point: rounded down as it is, the class would be empty.
    return [math.floor(size * (1 + 1e-12)) for size in sizes]


PROFILES = {"authors": authors_sizes, "exponential": exponential_sizes}


def _check(classes: int, n_max: int, n_min: int) -> None:
    if classes < 2:
        raise InputError(f"classes: expected at least 2 for an imbalance between them, got {classes}")
    if not 1 <= n_min <= n_max or n_min != int(n_min) or n_max != int(n_max):
        raise InputError(
            f"n_max, n_min: expected whole numbers of examples with n_max >= n_min >= 1, got n_max {n_max}, n_min {n_min}"
        )
