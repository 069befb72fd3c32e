"""Encoders by name: pixel values 0..255 [B, H, W, 3] -> pooled h [B, d_h], never logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dogo_tf.encoders import _precision
from dogo_tf.encoders._synchronised import synchronised
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.platform import plugins

if TYPE_CHECKING:
    from dogo_tf.platform.keras_compat import keras

__all__ = ["NATURAL_MEAN", "NATURAL_STD", "build", "synchronised"]

# ImageNet's statistics, in units of 0..255: the usual choice for natural images when the data set's own are not given.
NATURAL_MEAN = (123.675, 116.28, 103.53)
NATURAL_STD = (58.395, 57.12, 57.375)


def build(name: str, image_size: int, pixel_mean=NATURAL_MEAN, pixel_std=NATURAL_STD) -> keras.Model:
    """A fresh encoder that contains its own normalisation: uint8 or float images in 0..255 -> h [B, d_h].

    Args:
        name: e.g. "wrn_10_2", "resnet_18", "keras.DenseNet121" (any of keras.applications), "keras_cv.mit_b0" (any preset of
            a backbone of KerasCV for images).
        image_size: side of the square images, in pixels, >= 8; most networks with a stem for 224 px take 32 and more.
        pixel_mean, pixel_std: three numbers each, in units of 0..255; the data set's own are best.
    Raises:
        InputError: an unknown name (the message lists the known ones) or an unusable size or statistic.
    """
    if image_size < 8:
        raise InputError(f"image_size: expected at least 8 pixels, got {image_size}")
    if len(pixel_mean) != 3 or len(pixel_std) != 3 or min(pixel_std) <= 0:
        raise InputError(
            "pixel_mean and pixel_std: expected three numbers each, in units of 0..255, every std above 0; "
            f"got {tuple(pixel_mean)} and {tuple(pixel_std)}"
        )
    encoder = _family(name).build(name, image_size, pixel_mean, pixel_std)
    return _precision.as_it_is_fastest(encoder)


def check_name(name: str) -> None:
    """InputError with the known names for an unknown one; takes no TensorFlow."""
    _family(name)


def _family(name: str):
    families = [plugins.load(__name__, family, "encoder family") for family in plugins.names(__name__)]
    for family in families:
        if family.matches(name):
            return family
    raise unknown_name("encoder", name, [known for family in families for known in family.NAMES])
