"""Labels that an image's nearest neighbours contradict: where to look first for mistakes in a labelled data set."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_labelled
from dogo_tf.evaluate.knn import nearest, votes


@dataclass(frozen=True, eq=False)
class Suspects:
    """What the neighbours of each of N images say about its label.

    label_share      float [N], 0..1: the share of the weighted votes for the image's own label
    suggested        integer [N]: the other label with the most votes (of equals, the smaller)
    suggested_share  float [N], 0..1: its share
    listed           bool [N]: whether the label is suspicious
    """

    label_share: np.ndarray
    suggested: np.ndarray
    suggested_share: np.ndarray
    listed: np.ndarray

    @property
    def suspicion(self) -> np.ndarray:
        """float [N], -1..1: how far the suggested label is ahead of the image's own."""
        return self.suggested_share - self.label_share

    @property
    def order(self) -> np.ndarray:
        """The numbers of the listed images, the most suspicious first (of equals, the lower number)."""
        numbers = np.flatnonzero(self.listed)
        return numbers[np.argsort(-self.suspicion[numbers], kind="stable")]


class PrecisionRecall(NamedTuple):
    """precision: share of the listed images that are wrong; recall: share of the wrong ones that are listed; 0..1.

    nan where nothing is listed or nothing is wrong.
    """

    precision: float
    recall: float


def suspects(features, labels, k=20, temperature=0.1) -> Suspects:
    """Asks the k nearest neighbours of each image among all others, with the weights of knn.knn_accuracy.

    An image is listed if another label has more votes than its own, and at least the share that this label has on
    average among the images that carry it. The second condition is the threshold of confident learning (Northcutt et al.,
    "Confident learning: estimating uncertainty in dataset labels", JAIR 2021, equation 1): a vague neighbourhood, of which
    weak features give many, accuses nobody. (10,000 `patterns` images, an encoder after 3 epochs whose neighbours outvote
    11 % of the correct labels: 1.5 % of them are listed; with 5 % of the labels flipped the list's precision is 62 % instead
    of 30 %, at a recall of 64-70 %, by the draw, instead of 99 %.) Copies of an image are neighbours like others: two
    copies with different labels contradict each other.

    Args:
        features: [N, d], any scale.
        labels: whole numbers [N], at least two different ones.
        k: neighbours, 1..N-1. A class of k/2 images or fewer can be outvoted by its surroundings alone.
        temperature: > 0; smaller gives the nearest ones more weight.
    Raises:
        InputError: shapes that do not fit, NaN features, a single class, k or temperature out of range.
    """
    features, labels = np.asarray(features), np.asarray(labels)
    check_labelled(features, labels, features, labels)
    if (labels == labels[0]).all():
        raise InputError(f"labels: expected at least two classes, got only class {labels[0]}")
    check_k(k, len(labels))
    if temperature <= 0:
        raise InputError(f"temperature: expected more than 0, got {temperature}")
    return suspects_among(*other_images(features, k), labels, temperature)


def suspects_among(cosines, neighbours, labels, temperature=0.1) -> Suspects:
    """`suspects` by neighbours that are known: cosines and row numbers as of `other_images`; labels of at least two classes."""
    classes, own = np.unique(labels, return_inverse=True)
    label_share, suggested_share = np.empty(len(labels)), np.empty(len(labels))
    suggested = np.empty(len(labels), np.int64)
    for block, shares in votes(cosines, own[neighbours], len(classes), temperature):
        rows = np.arange(len(shares))
        label_share[block] = shares[rows, own[block]]
        shares[rows, own[block]] = -1
        suggested[block] = shares.argmax(axis=1)
        suggested_share[block] = shares[rows, suggested[block]]
    usual_share = np.bincount(own, label_share) / np.bincount(own)
    listed = (suggested_share > label_share) & (suggested_share >= usual_share[suggested])
    return Suspects(label_share, classes[suggested], suggested_share, listed)


def other_images(features, k) -> tuple[np.ndarray, np.ndarray]:
    """knn.nearest of every image among the others: cosines and row numbers, [N, k]."""
    cosines, neighbours = nearest(features, features, k + 1)
    is_self = neighbours == np.arange(len(features))[:, None]
    # With more than k exact copies an image may be absent from its own list; then one of the copies goes.
    is_self[~is_self.any(axis=1), -1] = True
    return tuple(column[~is_self].reshape(-1, k) for column in (cosines, neighbours))


def check_k(k: int, count: int) -> None:
    """InputError unless each of `count` images has k others."""
    if not 1 <= k < count:
        raise InputError(f"k: expected 1 to {count - 1}, as each of the {count} images has that many others; got {k}")


def precision_recall(listed, truly_wrong) -> PrecisionRecall:
    """Of two boolean arrays [N]: which images are listed, and whose labels are wrong in truth."""
    listed, truly_wrong = np.asarray(listed), np.asarray(truly_wrong)
    if listed.dtype != bool or truly_wrong.dtype != bool or listed.shape != truly_wrong.shape or listed.ndim != 1:
        raise InputError(
            "listed and truly_wrong: expected boolean arrays [N], "
            f"got {listed.dtype} {list(listed.shape)} and {truly_wrong.dtype} {list(truly_wrong.shape)}"
        )
    hits = int(np.sum(listed & truly_wrong))
    return PrecisionRecall(_share(hits, listed.sum()), _share(hits, truly_wrong.sum()))


def _share(part, whole) -> float:
    return part / int(whole) if whole else float("nan")
