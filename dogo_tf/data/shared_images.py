"""Test images that are among the training images, too: the numbers look splendid and mean nothing."""

import hashlib

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.reporting.progress import say

# Of the test images; public data sets hold a few pictures twice.
TOLERATED = 0.01


def warn_of_shared_images(train: ImageSet, test: ImageSet) -> None:
    """Says so where more than 1 % of the test images are pixel by pixel among train's, whose labels are learnt.

    Of images in memory; to read those of a cache or a stream only for this would take too long.
    """
    if not all(isinstance(part.images, np.ndarray) for part in (train, test)):
        return
    known = {_fingerprint(image) for image in train.images}
    shared = sum(_fingerprint(image) in known for image in test.images)
    if shared > TOLERATED * len(test):
        say(
            f"warning: {shared:,} of the {len(test):,} images of {test.name} are among those of {train.name}, whose labels are "
            "learnt: accuracies will be too high; choose splits that share no images"
        )


def _fingerprint(image: np.ndarray) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()
