"""Labels that an image's neighbours contradict are left out before the training."""

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.suspects import suspects
from dogo_tf.reporting.progress import say
from dogo_tf.sources.selection import selected

K = 50  # neighbours that are asked


def cleaned(labelled: ImageSet, settings, loaded: dict) -> ImageSet:
    """`labelled` as it is, or, with settings.drop_suspects, without what the neighbours of the first encoder accuse.

    loaded: {name: encoder} of those that begin with weights from elsewhere.
    """
    if not settings.drop_suspects:
        return labelled
    if not loaded:
        raise InputError("drop_suspects: expected a pre-trained encoder; one with random weights knows no neighbours")
    rows = trusted(embed(next(iter(loaded.values())), labelled.images), labelled.labels)
    say(f"left out {len(labelled) - len(rows):,} of {len(labelled):,} images, whose neighbours contradict their labels")
    images = selected(labelled.images, rows)
    kept = {"source": labelled.source, "bad_files": labelled.bad_files}
    return ImageSet(labelled.name, images, labelled.labels[rows], labelled.class_names, **kept)


def trusted(features, labels) -> np.ndarray:
    """Rows of images that `evaluate.suspects` does not list, int64 ascending; of every class at least its least suspicious.

    features: [N, d]. labels: whole numbers [N].
    """
    found = suspects(features, labels, k=min(K, len(labels) - 1))
    kept = ~found.listed
    for label in np.setdiff1d(labels, labels[kept]):
        members = np.flatnonzero(labels == label)
        kept[members[found.suspicion[members].argmin()]] = True
    return np.flatnonzero(kept)
