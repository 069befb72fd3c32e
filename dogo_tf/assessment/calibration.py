"""Whether a classifier is as often right as it says: reliability, expected calibration error, temperature scaling.

Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks" (ICML 2017).
"""

from typing import NamedTuple

import numpy as np
from scipy import optimize, special

from dogo_tf.assessment._checks import checked_logits
from dogo_tf.errors import InputError

BINS = 15
# A temperature beyond these says that the logits hold no probabilities at all.
LOWEST, HIGHEST = 0.05, 20.0


class Reliability(NamedTuple):
    """Of each of `bins` equal ranges of the confidence, ascending: how many answers, their mean confidence, how many right.

    count: int64 [bins]. confidence, accuracy: float64 [bins], 0..1; NaN where the count is 0.
    """

    count: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, 0..1."""
        filled = self.count > 0
        gaps = np.abs(self.accuracy - self.confidence)[filled]
        return float(np.average(gaps, weights=self.count[filled]))


def reliability(logits, labels, temperature: float = 1.0, bins: int = BINS) -> Reliability:
    """Answers sorted by confidence, the probability of the most probable class, into (0, 1/bins], ..., (1 - 1/bins, 1].

    Args:
        logits: float [N, C]. labels: whole numbers [N], 0..C-1.
        temperature: > 0; the logits are divided by it. bins: at least 1.
    Raises:
        InputError: shapes or labels that do not fit, NaN, another temperature or number of bins.
    """
    logits, labels = checked_logits(logits, labels)
    check_temperature(temperature)
    if bins < 1:
        raise InputError(f"bins: expected at least 1, got {bins}")
    return reliability_of(special.softmax(logits / temperature, axis=1), labels, bins)


def reliability_of(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """As `reliability`, of probabilities float64 [N, C] whose temperature need not be the same in all rows."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(number, minlength=bins)

    def mean(values):
        sums = np.bincount(number, values, bins)
        return np.divide(sums, count, out=np.full(bins, np.nan), where=count > 0)

    return Reliability(count, mean(confidence), mean(right.astype(float)))


def expected_calibration_error(logits, labels, temperature: float = 1.0, bins: int = BINS) -> float:
    """The mean gap between confidence and accuracy over the bins, weighted by their answers, 0..1; see `reliability`.

    0 is perfect. With few images it is too large even then: a bin of 10 answers is off by 0.1 by chance.
    """
    return reliability(logits, labels, temperature, bins).error


def fit_temperature(logits, labels) -> float:
    """The T for which softmax(logits / T) gives the labels the highest likelihood; above 1 if the classifier is too sure.

    Labels of images that it was not trained with. The answers stay the same, only their confidence changes. Between 0.05 and
    20. If all answers are right, the likelihood rises for ever as T falls, which says nothing of the next images: then 1.

    Args:
        logits: float [N, C]. labels: whole numbers [N], 0..C-1.
    Raises:
        InputError: shapes or labels that do not fit, or NaN.
    """
    logits, labels = checked_logits(logits, labels)
    rows = np.arange(len(labels))
    if (logits.argmax(axis=1) == labels).all():
        return 1.0

    def cross_entropy(log_temperature):  # convex in 1 / T, so it has one minimum
        return -special.log_softmax(logits * np.exp(-log_temperature), axis=1)[rows, labels].mean()

    bounds = (np.log(LOWEST), np.log(HIGHEST))
    return float(np.exp(optimize.minimize_scalar(cross_entropy, bounds=bounds, method="bounded").x))


def check_temperature(temperature: float) -> None:
    if not 0 < temperature < np.inf:
        raise InputError(f"temperature: expected a number above 0, got {temperature}")
