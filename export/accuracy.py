"""What the features of an exported file are worth where labels exist, next to those of the original."""

from dataclasses import dataclass

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.evaluate.classifier import fit_classifier
from dogo_tf.evaluate.knn import knn_accuracy
from dogo_tf.evaluate.probe import check_same_classes
from dogo_tf.reporting.plain_text import listed

# A loss of up to one point is accepted, and what two standard errors of the paired difference allow beyond it.
MOST_LOST = 0.01


@dataclass(frozen=True)
class Score:
    """accuracy: 0..1. lost: the original's accuracy minus this one. error: the standard error of `lost`, over the images."""

    accuracy: float
    lost: float
    error: float


class Judge:
    """kNN and linear accuracy on the test images, with all labels of train.

    knn: as in evaluate.knn. linear: a classifier fitted anew to each file's own features of train, with the regularisation that
    was chosen for the original's. head: the original's classifier as it is inside the file, by its logits.

    Args:
        train, test: labelled, of the same classes.
        train_features, test_features: the original's.
        head: the LinearClassifier that the original came with; without, it is the one that is fitted here.
    Attributes:
        classifier: the LinearClassifier that is fitted to the original's features.
    """

    def __init__(self, train: ImageSet, test: ImageSet, train_features, test_features, seed: int = 0, head=None):
        check_same_classes(train, test)
        self._train_labels, self._test_labels = train.labels, test.labels
        self._classes = len(train.class_names)
        self.classifier = fit_classifier(train_features, train.labels, self._classes, seed=seed)
        right = self.classifier.predict(test_features) == test.labels
        self._right = {"knn": self._knn(train_features, test_features), "linear": right, "head": right}
        self._own_head = head is not None
        if head is not None:
            self._right["head"] = head.predict(test_features) == test.labels

    def reference(self) -> dict[str, Score]:
        """The original's own accuracies; of a head only if it came with it."""
        told = [name for name in self._right if name != "head" or self._own_head]
        return {name: Score(float(self._right[name].mean()), 0.0, 0.0) for name in told}

    def scores(self, train_features, test_features, logits=None) -> dict[str, Score]:
        """The accuracies of a file: its features of the same images [N, d], and its logits of test if it has a head."""
        strength = self.classifier.strength
        classifier = fit_classifier(train_features, self._train_labels, self._classes, strength)
        right = {
            "knn": self._knn(train_features, test_features),
            "linear": classifier.predict(test_features) == self._test_labels,
        }
        if logits is not None:
            right["head"] = logits.argmax(axis=1) == self._test_labels
        return {name: _compare(self._right[name], found) for name, found in right.items()}

    def _knn(self, train_features, test_features):
        result = knn_accuracy(train_features, self._train_labels, test_features, self._test_labels)
        return result.predictions == self._test_labels


def why_none(train: ImageSet, test: ImageSet) -> str | None:
    """Why no classifier can be learnt from train's labels and tested on test's; None if one can. Both have labels."""
    learnt, asked = _present(train), _present(test)
    if len(learnt) < 2:
        return f"{train.name}: all images are of one class, {listed(learnt)}"
    if missing := [name for name in dict.fromkeys((*train.class_names, *asked)) if name not in learnt]:
        return f"{train.name}: no image of {listed(missing)}"
    return None


def _present(images: ImageSet) -> list[str]:
    """The classes that have an image."""
    return [images.class_names[label] for label in np.unique(images.labels)]


def violations(scores: dict[str, Score], export_format: str) -> list[str]:
    """Which accuracies are lost by more than a point, beyond what chance explains."""
    return [
        f"{export_format}: {name} accuracy is {100 * score.accuracy:.1f} %, {100 * score.lost:.1f} points less than the "
        f"original's (standard error {100 * score.error:.1f}); expected at most {100 * MOST_LOST:g} point"
        for name, score in scores.items()
        if score.lost - 2 * score.error > MOST_LOST
    ]


def _compare(reference: np.ndarray, right: np.ndarray) -> Score:
    difference = reference.astype(np.float64) - right
    return Score(float(right.mean()), float(difference.mean()), float(difference.std() / np.sqrt(len(right))))
