"""What frozen features are worth where it is hard: few labels, wrong labels, rare classes, damaged and unfamiliar images.

A study gives each test image a score in 0..1: the share of its repetitions (draws of labels, severities of a damage) in which
the image was classified correctly. The mean over images is the accuracy; image by image two encoders can be compared in pairs.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.imbalance import PROFILES, imbalanced_indices
from dogo_tf.data.label_noise import KINDS, MAX_SHARE, noisy_labels
from dogo_tf.data.labels import spread_over_classes, stratified_fraction
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate.corruptions import CORRUPTIONS, SEVERITIES, corrupt
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.fine_tune import fine_tune
from dogo_tf.evaluate.knn import knn_accuracy
from dogo_tf.evaluate.linear import FittedProbe, fit_linear_probe
from dogo_tf.evaluate.linear_adam import linear_probe_adam
from dogo_tf.evaluate.probe import check_same_classes
from dogo_tf.platform import ranges
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.progress import Progress
from dogo_tf.sources.selection import selected

# The authors' and the long-tailed CIFAR sets keep 20 times as many images of the most frequent class as of the rarest.
IMBALANCE_RATIO = 20
PROTOCOLS = ("linear_adam", "fine_tune")
_AT_ONCE = 256  # images that are damaged at a time
FINE_TUNE_FRACTION = 0.1  # with all labels, fine-tuning is ordinary supervised training


@dataclass(frozen=True)
class StudyPlan:
    """Which studies to make; every one but `protocols` is a linear probe on features that are computed once.

    fractions: shares of the labels, 0..1; stratified and nested.
    noise: (kind, share) pairs, kinds of label_noise.KINDS, shares 0..0.8.
    imbalance: profiles of imbalance.PROFILES.
    corruptions: names of corruptions.CORRUPTIONS, each at five severities; the probe has seen clean images only.
    corruption_images: how many of the test images, of each class its share (spread_over_classes): the same ones for every
        encoder and seed. None: all.
    protocols: slower ones besides: "linear_adam" (the authors' protocol) and "fine_tune" (with 10 % of the labels).
    draws: repetitions of what depends on which labels are drawn.
    """

    fractions: tuple[float, ...] = (1.0, 0.25, 0.1, 0.05, 0.01)
    noise: tuple[tuple[str, float], ...] = (
        ("symmetric", 0.2),
        ("symmetric", 0.4),
        ("symmetric", 0.8),
        ("pairwise", 0.2),
        ("pairwise", 0.4),
    )
    imbalance: tuple[str, ...] = tuple(PROFILES)
    corruptions: tuple[str, ...] = CORRUPTIONS
    corruption_images: int | None = None
    protocols: tuple[str, ...] = ()
    draws: int = 3

    def __post_init__(self):
        named = {"noise": KINDS, "imbalance": PROFILES, "corruption": CORRUPTIONS, "protocol": PROTOCOLS}
        asked = {
            "noise": [kind for kind, _ in self.noise],
            "imbalance": self.imbalance,
            "corruption": self.corruptions,
            "protocol": self.protocols,
        }
        for what, names in asked.items():
            for name in names:
                if name not in named[what]:
                    raise unknown_name(what, name, named[what])
        if any(not 0 <= share <= MAX_SHARE for _, share in self.noise):
            raise InputError(
                f"noise: expected shares of wrong labels from 0 to {MAX_SHARE} (0.2 is 20 %); got {self.noise}"
            )
        if any(not 0 < share <= 1 for share in self.fractions):
            raise InputError(f"fractions: expected shares of the labels, 0 < share <= 1; got {self.fractions}")
        ranges.check("draws", self.draws)
        ranges.check("corruption_images", self.corruption_images)


def run_studies(
    encoder, train: ImageSet, test: ImageSet, plan: StudyPlan, seed: int = 0, transfers=(), cache=None
) -> dict[str, np.ndarray]:
    """The scores of every study, by its name: float32 [N_test] each, in 0..1.

    Args:
        encoder: see features.embed.
        train, test: labelled, with the same classes. Every test image counts; the probes choose their regularisation on
            train images.
        seed: of the label draws; the same for two encoders that are to be compared.
        transfers: (train, test) pairs of other labelled data sets of the same image size, for features that were learnt here.
        cache: FeatureCache; None computes anew.
    Raises:
        InputError: unlabelled data, classes that differ, images that do not fit the encoder.
    """
    cache = cache or FeatureCache(None)
    for pair in ((train, test), *transfers):
        check_same_classes(*pair)
    features, test_features = cache.embed(encoder, train.images), cache.embed(encoder, test.images)
    scores = {"knn": _right(knn_accuracy(features, train.labels, test_features, test.labels).predictions, test.labels)}
    probe = _Probes(features, train.labels, seed)
    sets = list(label_sets(train.labels, len(train.class_names), plan, seed))
    with Progress("probing with fewer, wrong and unequal labels", len(sets)) as progress:
        for done, (study, repetitions) in enumerate(sets, start=1):
            rights = [_right(probe(rows, labels).predict(test_features), test.labels) for rows, labels in repetitions]
            scores[study] = np.mean(rights, axis=0, dtype=np.float32)
            progress.update(done)
    if plan.corruptions:
        scores |= _corruption_scores(encoder, probe.of_everything, test, plan, seed)
    for known, asked in transfers:
        fitted = fit_linear_probe(cache.embed(encoder, known.images), known.labels, seed)
        scores[f"transfer {asked.name}"] = _right(fitted.predict(cache.embed(encoder, asked.images)), asked.labels)
    if "linear_adam" in plan.protocols:
        found = linear_probe_adam(features, train.labels, test_features, test.labels, seed)
        scores["linear_adam"] = _right(found.predictions, test.labels)
    if "fine_tune" in plan.protocols:
        rows = stratified_fraction(train.labels, FINE_TUNE_FRACTION, seed)
        known = selected(train.images, rows), train.labels[rows]
        found = fine_tune(encoder, *known, test.images, test.labels, seed=seed)
        scores[f"fine_tune {100 * FINE_TUNE_FRACTION:g}%"] = _right(found.predictions, test.labels)
    return scores


def label_sets(labels, classes: int, plan: StudyPlan, seed: int) -> Iterator[tuple[str, list]]:
    """(study, its repetitions); a repetition is (rows of train, the labels that the probe is given for them).

    A pure function of its arguments: labels int [N], classes their number, the draws by `seed`.
    """
    draws = [seed * plan.draws + draw for draw in range(plan.draws)]
    everything = np.arange(len(labels))
    for share in plan.fractions:
        subsets = [stratified_fraction(labels, share, draw) for draw in draws] if share < 1 else [everything]
        yield f"linear {100 * share:g}%", [(rows, labels[rows]) for rows in subsets]
    for kind, share in plan.noise:
        noisy = [noisy_labels(labels, share, kind, classes, draw).labels for draw in draws]
        yield f"noise {kind} {100 * share:g}%", [(everything, given) for given in noisy]
    for profile in plan.imbalance:
        most = int(np.bincount(labels, minlength=classes).min())
        least = max(1, round(most / IMBALANCE_RATIO))
        subsets = [imbalanced_indices(labels, profile, most, least, draw) for draw in draws]
        yield f"imbalance {profile}", [(rows, labels[rows]) for rows in subsets]


def save_label_sets(path: Path, labels, classes: int, plan: StudyPlan, seed: int) -> None:
    """Writes which labels each study gets to a .npz: "<study>, draw <k>, rows" and "..., labels"; see label_sets."""
    arrays = {
        f"{study}, draw {draw}, {name}": array
        for study, repetitions in label_sets(labels, classes, plan, seed)
        for draw, repetition in enumerate(repetitions)
        for name, array in zip(("rows", "labels"), repetition, strict=True)
    }
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_atomically(path, content.getvalue())


class _Probes:
    """Linear probes on rows of the same features; the dearest, on all of them with their own labels, is fitted once."""

    def __init__(self, features, labels, seed: int):
        self.features, self.labels, self.seed = features, labels, seed

    def __call__(self, rows, labels) -> FittedProbe:
        if np.array_equal(rows, np.arange(len(self.labels))) and np.array_equal(labels, self.labels):
            return self.of_everything
        return fit_linear_probe(self.features[rows], labels, self.seed)

    @cached_property
    def of_everything(self) -> FittedProbe:
        return fit_linear_probe(self.features, self.labels, self.seed)


def _corruption_scores(encoder, probe, test: ImageSet, plan: StudyPlan, seed: int) -> dict[str, np.ndarray]:
    """Per corruption over the severities, per severity over the corruptions, and over all."""
    chosen = spread_over_classes(test.labels, min(plan.corruption_images or len(test), len(test)))
    right = np.empty((len(plan.corruptions), len(SEVERITIES), len(chosen)), np.float32)
    with Progress("probing on corrupted images", len(chosen)) as progress:
        for start in range(0, len(chosen), _AT_ONCE):  # images may have to be decoded: once for all corruptions
            rows = chosen[start : start + _AT_ONCE]
            images, places = test.images[rows], slice(start, start + len(rows))
            for row, name in enumerate(plan.corruptions):
                for column, severity in enumerate(SEVERITIES):
                    features = embed(encoder, corrupt(images, name, severity, seed, rows))
                    right[row, column, places] = _right(probe.predict(features), test.labels[rows])
            progress.update(start + len(rows))
    scores = {f"corruption {name}": right[row].mean(axis=0) for row, name in enumerate(plan.corruptions)}
    scores |= {f"severity {severity}": right[:, column].mean(axis=0) for column, severity in enumerate(SEVERITIES)}
    return {**scores, "corruption all": right.mean(axis=(0, 1))}


def _right(predictions, labels) -> np.ndarray:
    return (np.asarray(predictions) == labels).astype(np.float32)
