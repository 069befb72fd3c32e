"""What an encoder is worth: kNN with all labels, linear probes and fine-tuning with fewer and fewer of them."""

from dataclasses import asdict, dataclass, field

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.labels import stratified_fraction
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate import fine_tune as tuning
from dogo_tf.evaluate.best_epoch import TrainedProbe
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.knn import KnnResult, check_vote, knn_accuracy
from dogo_tf.evaluate.linear import LinearProbe, check_size, linear_probe
from dogo_tf.evaluate.linear_adam import linear_probe_adam
from dogo_tf.sources.selection import selected

FRACTIONS = (1.0, 0.1, 0.01)
PROTOCOLS = ("knn", "linear", "linear_adam", "fine_tune")


@dataclass(frozen=True)
class Probe:
    """The results of the protocols that were asked for.

    knn: with all labels of train; None if not asked for.
    linear, linear_adam, fine_tune: by the share of train's labels that the probe got, 0..1; empty if not asked for.
    """

    knn: KnnResult | None = None
    linear: dict[float, LinearProbe] = field(default_factory=dict)
    linear_adam: dict[float, TrainedProbe] = field(default_factory=dict)
    fine_tune: dict[float, TrainedProbe] = field(default_factory=dict)

    def as_dict(self) -> dict:
        """For JSON, what was asked for; accuracies in 0..1, without the predictions."""
        numbers = {"knn": {"accuracy": self.knn.accuracy, "k": self.knn.k}} if self.knn else {}
        for protocol in PROTOCOLS[1:]:
            results = getattr(self, protocol)
            if results:
                numbers[protocol] = {f"{share:g}": _numbers(result) for share, result in results.items()}
        return numbers


def _numbers(result) -> dict:
    return {name: value for name, value in asdict(result).items() if name != "predictions"}


def probe(
    encoder,
    train: ImageSet,
    test: ImageSet,
    fractions=FRACTIONS,
    seed: int = 0,
    protocols=("knn", "linear"),
    k: int = 200,
    temperature: float = 0.1,
    fine_tune_epochs: int = tuning.EPOCHS,
    cache: FeatureCache | None = None,
) -> Probe:
    """Every image is embedded once, without augmentation; the test images are classified once per number.

    Args:
        encoder: see features.embed; for "fine_tune" a keras.Model.
        train, test: labelled, with the same classes in the same order: predictions are numbers.
        fractions: shares of train's labels, each in 0..1; stratified and nested.
        seed: of the label subsets and of all else that a protocol draws.
        protocols: names of PROTOCOLS: knn_accuracy, linear_probe, linear_probe_adam, fine_tune.
        k, temperature: of the nearest-neighbour vote. fine_tune_epochs: of every fine-tuning.
        cache: where features are kept; None keeps nothing.
    Raises:
        InputError: unlabelled data, classes that differ, images that do not fit the encoder, an unknown protocol, or one that
            the encoder does not allow.
    """
    check_protocols(protocols)
    check_vote(k, temperature)
    check_same_classes(train, test)
    if "fine_tune" in protocols:
        tuning.check_trainable(encoder)
    subsets = {share: _subset(train.labels, share, seed) for share in fractions}
    if "linear" in protocols:  # before every image is embedded
        for subset in subsets.values():
            check_size(train.labels[subset])
    results = {}
    if set(protocols) - {"fine_tune"}:
        cache = cache or FeatureCache()
        train_features, test_features = cache.embed(encoder, train.images), cache.embed(encoder, test.images)
    if "knn" in protocols:
        results["knn"] = knn_accuracy(train_features, train.labels, test_features, test.labels, k, temperature)
    for name, linear in (("linear", linear_probe), ("linear_adam", linear_probe_adam)):
        if name in protocols:
            results[name] = {
                share: linear(train_features[subset], train.labels[subset], test_features, test.labels, seed)
                for share, subset in subsets.items()
            }
    if "fine_tune" in protocols:
        results["fine_tune"] = {
            share: tuning.fine_tune(
                encoder,
                selected(train.images, subset),
                train.labels[subset],
                test.images,
                test.labels,
                seed,
                fine_tune_epochs,
            )
            for share, subset in subsets.items()
        }
    return Probe(**results)


def check_protocols(protocols) -> None:
    """InputError unless there is at least one protocol, and all are known."""
    for name in protocols:
        if name not in PROTOCOLS:
            raise unknown_name("protocol", name, PROTOCOLS)
    if not protocols:
        raise InputError(f"protocols: expected at least one of {', '.join(PROTOCOLS)}")


def check_same_classes(train: ImageSet, test: ImageSet) -> None:
    check_has_labels(train, "to probe with")
    check_has_labels(test, "to probe with")
    if train.class_names != test.class_names:
        only_one = sorted(set(train.class_names) ^ set(test.class_names))
        what = f"only one of them has {', '.join(only_one[:10])}" if only_one else "they come in another order"
        raise InputError(f"{train.name} and {test.name}: expected the same classes in the same order; {what}")


def check_has_labels(data: ImageSet, purpose: str) -> None:
    if data.labels is None:
        raise InputError(
            f"{data.name}: expected labelled images {purpose}; in a folder, the first-level folders are the classes"
        )


def _subset(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    return np.arange(len(labels)) if share == 1 else stratified_fraction(labels, share, seed)
