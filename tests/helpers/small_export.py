"""What exports of the tests are given: two sets of images with labels, and options that are quick."""

import numpy as np

from dogo_tf.data.image_set import ImageSet
from dogo_tf.export.pipeline import Options


def image_set(count, seed, labelled=True):
    """Three classes of colour, 16 x 12 pixels."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    colours = np.array([[180, 90, 90], [90, 180, 90], [90, 90, 180]])[labels]
    pixels = colours[:, None, None] + generator.normal(0, 70, (count, 16, 12, 3))
    images = np.clip(pixels, 0, 255).astype(np.uint8)
    return ImageSet(f"set {seed}", images, labels if labelled else None, ("red", "green", "blue") if labelled else ())


TRAIN, TEST = image_set(300, 0), image_set(256, 1)


def quick(**options):
    return Options(**{"parity_images": 256, "calibration_images": 100, "targets": ()} | options)
