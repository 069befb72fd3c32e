"""Which classes a classifier finds, and which it takes for which."""

from typing import NamedTuple

import numpy as np

from dogo_tf.assessment._checks import checked_labels

CONFIDENCE = 0.95


class ClassScore(NamedTuple):
    """images: of this class. recall: the share of them that were found, 0..1; low, high: its 95 % interval. precision: the
    share of the answers "this class" that were right. None where there is nothing to take a share of."""

    images: int
    recall: float | None
    low: float | None
    high: float | None
    precision: float | None


def confusion_matrix(labels, predictions, classes: int) -> np.ndarray:
    """int64 [classes, classes]: how many images of class [row] were answered with class [column].

    Args:
        labels, predictions: whole numbers [N], 0..classes-1.
    Raises:
        InputError: other shapes, types or numbers.
    """
    labels = checked_labels("labels", labels, len(labels), classes)
    predictions = checked_labels("predictions", predictions, len(labels), classes)
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


def class_scores(matrix: np.ndarray) -> list[ClassScore]:
    """Of each class of a confusion matrix, int64 [C, C].

    Wilson's intervals, which hold for few images and for shares of 0 and 1 (Brown, Cai & DasGupta, "Interval estimation for a
    binomial proportion", Statistical Science 2001).
    """
    from scipy import stats  # slow to load

    found = []
    for number, (images, answers) in enumerate(zip(matrix.sum(axis=1), matrix.sum(axis=0), strict=True)):
        right = int(matrix[number, number])
        precision = right / int(answers) if answers else None
        if not images:
            found.append(ClassScore(0, None, None, None, precision))
            continue
        interval = stats.binomtest(right, int(images)).proportion_ci(CONFIDENCE, method="wilson")
        found.append(ClassScore(int(images), right / int(images), float(interval.low), float(interval.high), precision))
    return found


def top_confusions(matrix: np.ndarray, most: int = 10) -> list[tuple[int, int, int]]:
    """(class, answer, images) of the mistakes that occurred, the most frequent first, at most so many."""
    mistakes = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-mistakes, axis=None, kind="stable")[:most]
    pairs = [(int(place) // len(matrix), int(place) % len(matrix)) for place in order]
    return [(row, column, int(mistakes[row, column])) for row, column in pairs if mistakes[row, column]]
