"""The training images that a probe is not shown, but chosen by."""

import numpy as np

VALIDATION_SHARE = 0.15


def hold_out(labels: np.ndarray, seed: int) -> np.ndarray:
    """Boolean mask [N] of 15 % of each class, at least one image; a class with a single image stays in training.

    The draw is a function of labels and seed alone.
    """
    generator = np.random.default_rng(seed)
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        if len(members) > 1:
            mask[members[: max(1, round(VALIDATION_SHARE * len(members)))]] = True
    return mask
