"""The mistakes to look at first: those of which the classifier was most sure."""

import numpy as np
from PIL import Image
from scipy import special

from dogo_tf.assessment._checks import checked_logits
from dogo_tf.reporting.captioned_grid import captioned_grid

MOST = 24


def worst_mistakes(logits, labels, most: int = MOST) -> np.ndarray:
    """int64 [at most `most`]: rows with a wrong answer, the least probable labels first. Wrong labels are found here too.

    Args:
        logits: float [N, C]. labels: whole numbers [N], 0..C-1.
    Raises:
        InputError: shapes or labels that do not fit, or NaN.
    """
    logits, labels = checked_logits(logits, labels)
    wrong = np.flatnonzero(logits.argmax(axis=1) != labels)
    log_probabilities = special.log_softmax(logits[wrong], axis=1)[np.arange(len(wrong)), labels[wrong]]
    return wrong[np.argsort(log_probabilities, kind="stable")][:most]


def picture(images: np.ndarray, labels, answers, confidences, class_names, columns: int = 6) -> Image.Image:
    """Each image with its answer, confidence and label below. images: uint8 [n, S, S, 3]; the others [n]."""
    captions = [
        (f"{class_names[answer]}, {100 * confidence:.0f} %", f"label: {class_names[label]}")
        for label, answer, confidence in zip(labels, answers, confidences, strict=True)
    ]
    return captioned_grid(images, captions, columns)
