"""What more labels would bring: the classifier is trained again on parts of its labels, and the curve is continued.

The error of a classifier falls with the number n of its labels like a power, error = a n^-b, over a wide range (Hestness et
al., "Deep learning scaling is predictable, empirically", arXiv:1712.00409): a line in log n and log error. It is continued to
twice the labels at most, and only if the line through the smaller parts foretold the error with all labels.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.reporting.progress import Progress

HALVINGS = 3
DRAWS = 3
MORE = 100  # labels that a user asks about
TAIL = 0.025


class Outlook(NamedTuple):
    """What `more` labels would bring.

    gain, low, high: in accuracy, -1..1, and the ends of its 95 % interval; None if unknown. reason: why it is unknown.
    """

    more: int
    gain: float | None
    low: float | None
    high: float | None
    reason: str = ""


class LearningCurve(NamedTuple):
    """points: (labels, accuracy 0..1) of every training, ascending labels; the last one is with all labels."""

    points: tuple[tuple[int, float], ...]
    outlook: Outlook


def learning_curve(
    train_labels, accuracy_all: float, accuracy_of: Callable[[np.ndarray], float], test_images: int, seed: int = 0
) -> LearningCurve:
    """Trains on a half, a quarter and an eighth of the labels, three draws each, and continues the curve.

    A part has as large a share of each class as possible, at least one image, and twice as many images as classes in all.

    Args:
        train_labels: whole numbers [N]. accuracy_all: 0..1, with all of them.
        accuracy_of: rows, int64 [n] ascending -> the accuracy 0..1 after training with these alone, on the same test images.
        test_images: how many those are. seed: of the draws.
    """
    labels = np.asarray(train_labels)
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iu":
        raise InputError(f"train_labels: expected whole numbers [N], N >= 1, got {labels.dtype} {list(labels.shape)}")
    classes = len(np.unique(labels))
    sizes = [len(labels) >> halving for halving in range(HALVINGS, 0, -1)]
    sizes = [size for size in sizes if size >= 2 * classes]
    points, generator = [], np.random.default_rng(seed)
    with Progress("learning curve", len(sizes) * DRAWS) as progress:
        for size in sizes:
            for _ in range(DRAWS):
                rows = draw(labels, size, generator)
                points.append((len(rows), float(accuracy_of(rows))))
                progress.update(len(points), f"{len(rows)} labels")
    points.append((len(labels), float(accuracy_all)))
    return LearningCurve(tuple(points), outlook(points, test_images))


def draw(labels: np.ndarray, size: int, generator) -> np.ndarray:
    """Ascending rows of `size` images, give or take one a class: of each class its share, at least one."""
    rows = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        rows.append(members[: max(1, round(size * len(members) / len(labels)))])
    return np.sort(np.concatenate(rows))


def outlook(points, test_images: int, more: int = MORE) -> Outlook:
    """The curve through `points`, (labels, accuracy) with the largest last, continued to `more` labels, or to twice as many
    labels if that is less.

    The interval is that of the slope, by Student's t: it holds if the error goes on falling as it did.
    """
    labels, accuracies = np.array(points, float).T
    now = labels[-1]
    reach = int(min(more, now))
    if len(np.unique(labels)) < 3:
        return Outlook(reach, None, None, None, "too few labels to train on parts of them")
    from scipy import stats  # slow to load

    # Half an error more, so that a perfect score has a logarithm.
    errors = np.log(((1 - accuracies) * test_images + 0.5) / (test_images + 1))
    x = np.log(labels)
    low, high = _foretold(x[:-1], errors[:-1], x[-1])
    if not low <= errors[-1] <= high:
        return Outlook(
            reach, None, None, None, "the accuracy with all labels is not the one that the smaller parts foretell"
        )
    fit = stats.linregress(x, errors)
    margin = stats.t.ppf(1 - TAIL, len(x) - 2) * fit.stderr
    level = np.exp(fit.intercept + fit.slope * x[-1])
    growth = np.log((now + reach) / now)
    gain, least, best = (
        level * (1 - np.exp(slope * growth)) for slope in (fit.slope, fit.slope + margin, fit.slope - margin)
    )
    return Outlook(reach, float(gain), float(least), float(best))


def _foretold(x, y, at: float) -> tuple[float, float]:
    """The 95 % interval of one more value, at `at`, by the line through the others."""
    from scipy import stats

    fit = stats.linregress(x, y)
    residuals = y - fit.intercept - fit.slope * x
    freedom = len(x) - 2
    spread = np.sqrt(residuals @ residuals / freedom)
    error = spread * np.sqrt(1 + 1 / len(x) + (at - x.mean()) ** 2 / ((x - x.mean()) @ (x - x.mean())))
    margin = stats.t.ppf(1 - TAIL, freedom) * error
    middle = fit.intercept + fit.slope * at
    # Rounding: points that lie exactly on a line foretell exactly.
    return middle - margin - 1e-9, middle + margin + 1e-9
