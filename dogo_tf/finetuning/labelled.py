"""The images of a fine-tuning: with labels to learn from, without, and to test on."""

import dataclasses
import hashlib
from typing import NamedTuple

import numpy as np

from dogo_tf import data
from dogo_tf.data.image_set import ImageSet, warn_of_shared_images
from dogo_tf.errors import InputError
from dogo_tf.evaluate.intervals import check_enough_images
from dogo_tf.evaluate.probe import check_has_labels
from dogo_tf.reporting.plain_text import listed
from dogo_tf.reporting.progress import say


class Images(NamedTuple):
    """labelled: its classes are the classifier's. unlabelled, test: or None; test has labels that are numbers of these."""

    labelled: ImageSet
    unlabelled: ImageSet | None
    test: ImageSet | None


def open_images(settings, image_size: int, sources: tuple[str, str]) -> Images:
    """InputError for labels that a classifier cannot learn from, and what data.open refuses.

    sources: where the labelled and the unlabelled images are kept; see data.open.
    """

    def opened(dataset, split, source=settings.source):
        return data.open(
            dataset,
            split,
            image_size,
            source,
            settings.cache_dir,
            settings.data_dir,
            settings.max_bad_images,
            max_pixels=settings.max_pixels,
        )

    if settings.unlabelled:
        data.check_split(settings.unlabelled, settings.unlabelled_split, "unlabelled_split")
    if settings.test_split:
        data.check_split(settings.test_dataset or settings.dataset, settings.test_split, "test_split")
    labelled = opened(settings.dataset, settings.split, sources[0])
    check_has_labels(labelled, "to fine-tune with")
    check_every_class(labelled)
    unlabelled = None
    if settings.unlabelled:
        unlabelled = opened(settings.unlabelled, settings.unlabelled_split, sources[1])
    test = None
    if settings.test_split:
        test = in_classes_of(labelled, opened(settings.test_dataset or settings.dataset, settings.test_split))
        check_enough_images(test)
        warn_of_shared_images(labelled, test)
    return Images(labelled, unlabelled, test)


def check_every_class(images: ImageSet) -> None:
    """InputError unless there are two classes or more, each with an image; says which have one only."""
    names, counts = images.class_names, np.bincount(images.labels, minlength=len(images.class_names))
    if len(names) < 2:
        raise InputError(f"{images.name}: expected images of at least two classes, all are of {listed(names)}")
    if none := [name for name, count in zip(names, counts, strict=True) if count == 0]:
        raise InputError(f"{images.name}: expected an image of every class; there is none of {listed(none)}")
    if single := [name for name, count in zip(names, counts, strict=True) if count == 1]:
        say(f"warning: one image alone to learn from of {listed(single)}; label more of it")


def in_classes_of(labelled: ImageSet, test: ImageSet) -> ImageSet:
    """`test` with labels that are numbers of labelled's classes, by their names. It may lack some of them.

    Raises:
        InputError: no labels, or classes that labelled has not.
    """
    check_has_labels(test, "to test on")
    number = {name: k for k, name in enumerate(labelled.class_names)}
    present = [test.class_names[label] for label in np.unique(test.labels)]
    if unknown := [name for name in present if name not in number]:
        raise InputError(
            f"{test.name}: labels of classes that {labelled.name} has no image of: {listed(unknown)}; "
            f"known: {listed(labelled.class_names)}"
        )
    if missing := [name for name in labelled.class_names if name not in present]:
        say(f"{test.name}: nothing tests {listed(missing)}")
    labels = np.array([number.get(name, -1) for name in test.class_names])[test.labels]
    return dataclasses.replace(test, labels=labels, class_names=labelled.class_names)


def described(images: Images, image_size: int) -> dict:
    """For config.json: what must be the same for a run to go on."""
    labelled = images.labelled
    other = images.unlabelled
    return {
        "name": labelled.name,
        "source": labelled.source,
        "images": len(labelled),
        "classes": list(labelled.class_names),
        "labels": hashlib.sha256(np.ascontiguousarray(labelled.labels, np.int64).data).hexdigest()[:16],
        "image_size": image_size,
        "digest": data.digest(labelled.images),
        "bad_files": [list(entry) for entry in labelled.bad_files],
        "unlabelled": other and {"images": len(other), "digest": data.digest(other.images)},
        "unlabelled_source": other and other.source,
    }
