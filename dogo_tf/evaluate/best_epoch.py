"""What probes that train by epochs share: the epoch that held-out images like best, and the result."""

from dataclasses import dataclass, field

import numpy as np

from dogo_tf.errors import InputError


@dataclass(frozen=True)
class TrainedProbe:
    """What a probe that trains by epochs found.

    accuracy: share of test images, 0..1.
    validation_accuracy: of the chosen epoch on held-out train images, 0..1; None where nothing could be held out.
    epoch: the chosen one, from 1; the last where nothing could be held out.
    losses: mean training cross-entropy of every epoch, in nats.
    n_train: labelled images, including those held out.
    predictions: [N_test] labels, for statistics that pair two encoders image by image.
    """

    accuracy: float
    validation_accuracy: float | None
    epoch: int
    losses: tuple[float, ...]
    n_train: int
    predictions: np.ndarray = field(compare=False, repr=False)


class BestEpoch:
    """Keeps the weights of the epoch with the best validation accuracy; of equals, the least cross-entropy; then the earliest.

    Args:
        labels: class numbers of the held-out images, [M]; with none, the last epoch is the best.
    """

    def __init__(self, labels: np.ndarray):
        self.labels = labels
        self.epoch = 0
        self.weights = None
        self.accuracy = None
        self._cross_entropy = None

    def offer(self, epoch: int, logits: np.ndarray, weights) -> None:
        """The weights after an epoch, and the logits [M, C] that they give the held-out images."""
        accuracy, cross_entropy = None, None
        if len(self.labels):
            accuracy = float(np.mean(logits.argmax(axis=1) == self.labels))
            cross_entropy = _cross_entropy(logits.astype(np.float64), self.labels)
            if self.epoch and (accuracy, -cross_entropy) <= (self.accuracy, -self._cross_entropy):
                return
        self.epoch, self.weights, self.accuracy, self._cross_entropy = epoch, weights, accuracy, cross_entropy


def check_epochs(epochs: int) -> None:
    if epochs < 1:
        raise InputError(f"epochs: expected at least 1, got {epochs}")


def _cross_entropy(logits, labels) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]))
