"""What frozen features are worth: kNN with all labels, a linear probe with fewer and fewer of them."""

from dataclasses import asdict, dataclass

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.labels import stratified_fraction
from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.knn import KnnResult, knn_accuracy
from dogo_tf.evaluate.linear import LinearProbe, linear_probe

FRACTIONS = (1.0, 0.1, 0.01)


@dataclass(frozen=True)
class Probe:
    """knn: with all labels of train. linear: by the share of train's labels that the probe got, 0..1."""

    knn: KnnResult
    linear: dict[float, LinearProbe]

    def as_dict(self) -> dict:
        """For JSON; accuracies in 0..1, without the predictions."""
        return {
            "knn": {"accuracy": self.knn.accuracy, "k": self.knn.k},
            "linear": {f"{share:g}": _numbers(result) for share, result in self.linear.items()},
        }


def _numbers(result: LinearProbe) -> dict:
    return {name: value for name, value in asdict(result).items() if name != "predictions"}


def probe(encoder, train: ImageSet, test: ImageSet, fractions=FRACTIONS, seed: int = 0) -> Probe:
    """Every image is embedded once, without augmentation; the test images are classified once per number.

    Args:
        encoder: see features.embed.
        train, test: labelled, with the same classes.
        fractions: shares of train's labels, each in 0..1; stratified and nested.
        seed: of the label subsets and of what the linear probe holds out.
    Raises:
        InputError: unlabelled data, classes that differ, or images that do not fit the encoder.
    """
    check_same_classes(train, test)
    subsets = {share: _subset(train.labels, share, seed) for share in fractions}
    train_features, test_features = embed(encoder, train.images), embed(encoder, test.images)
    knn = knn_accuracy(train_features, train.labels, test_features, test.labels)
    linear = {
        share: linear_probe(train_features[subset], train.labels[subset], test_features, test.labels, seed)
        for share, subset in subsets.items()
    }
    return Probe(knn, linear)


def check_same_classes(train: ImageSet, test: ImageSet) -> None:
    check_has_labels(train, "to probe with")
    check_has_labels(test, "to probe with")
    if train.class_names != test.class_names:
        only_one = sorted(set(train.class_names) ^ set(test.class_names))
        raise InputError(
            f"{train.name} and {test.name}: expected the same classes; only one of them has {', '.join(only_one[:10])}"
        )


def check_has_labels(data: ImageSet, purpose: str) -> None:
    if data.labels is None:
        raise InputError(
            f"{data.name}: expected labelled images {purpose}; in a folder, the first-level folders are the classes"
        )


def _subset(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    return np.arange(len(labels)) if share == 1 else stratified_fraction(labels, share, seed)
