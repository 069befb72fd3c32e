"""Classes with few labels among others with many: logit adjustment (Menon et al., ICLR 2021).

While it learns, a classifier is asked for softmax(logits + log share of each class among the labels). How frequent a class is
then is no longer its own to learn, and its logits are those of classes that are equally frequent.
"""

import numpy as np

from dogo_tf.errors import InputError


def class_shares(labels, classes: int) -> np.ndarray:
    """Share of each class among the labels, float32 [classes], adding up to 1. labels: integers [N] in 0..classes - 1."""
    counts = np.bincount(labels, minlength=classes)
    return (counts / counts.sum()).astype(np.float32)


def log_shares(shares, classes: int) -> np.ndarray:
    """What is added to the logits, float32 [classes].

    Raises:
        InputError: another number of shares, or one that is not above 0.
    """
    shares = np.asarray(shares, np.float32)
    if shares.shape != (classes,) or not (np.isfinite(shares) & (shares > 0)).all():
        raise InputError(
            f"class_shares: expected a number above 0 for each of the {classes} classes; got {shares.tolist()}"
        )
    return np.log(shares / shares.sum())
