"""The classifier that becomes the second output of a file: which one it is, and how sure it may be."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.evaluate.classifier import LinearClassifier


def of_classifier(own, wanted: bool, judged_by: Iterable[ImageSet]) -> LinearClassifier | None:
    """The head that a classifier brings along; None for an encoder.

    own: a ClassHead, or None. wanted: whether one is to be trained. judged_by: labelled images, which must have its classes.
    """
    if own is None:
        return None
    if wanted:
        raise InputError("head: this classifier has its own, by its fine-tuning; leave --head out")
    for images in judged_by:
        if images.class_names != own.class_names:
            differing = sorted(set(images.class_names) ^ set(own.class_names))
            raise InputError(
                f"{images.name}: expected the classes of the classifier, {', '.join(own.class_names[:10])}; "
                f"only one of them has {', '.join(differing[:10])}"
            )
    return LinearClassifier(*own.get_weights())


def in_order_of(class_names: tuple[str, ...], images: ImageSet) -> ImageSet:
    """`images` with labels that are numbers of `class_names`, if its classes are these in another order; else as it is.

    A list orders whole numbers by number, a folder by alphabet.
    """
    if images.labels is None or sorted(images.class_names) != sorted(class_names):
        return images
    numbers = np.array([class_names.index(name) for name in images.class_names])
    return replace(images, labels=numbers[images.labels], class_names=tuple(class_names))


def calibrated(head: LinearClassifier, features, labels) -> tuple[LinearClassifier, float]:
    """The head with temperature scaling, and the temperature.

    It is folded into weights and bias: whatever runs the file, the softmax of its logits is the calibrated confidence.

    Args:
        features: float [N, d], of the test images. labels: whole numbers [N].
    """
    from dogo_tf.assessment.calibration import fit_temperature  # SciPy, Matplotlib: a mistyped flag need not wait

    temperature = fit_temperature(head.logits(features), labels)
    scale = np.float32(1 / temperature)
    return head._replace(weights=head.weights * scale, bias=head.bias * scale), temperature
