"""The smallest images that an encoder takes: those of which its last feature map still has one whole place."""

from dogo_tf.errors import InputError

# Pixels of the image's side to one place of the last feature map, in networks with the stem that is made for 224 px.
TOTAL_STRIDE = 32


def check_image_size(name: str, image_size: int, smallest: int = TOTAL_STRIDE, multiple_of: int = 1) -> None:
    """InputError unless the encoder `name` has use for images of this side; all numbers in pixels."""
    if image_size < smallest or image_size % multiple_of:
        sides = f", a multiple of {multiple_of}" if multiple_of > 1 else ""
        raise InputError(
            f"image_size: the encoder {name!r} needs at least {smallest} pixels{sides}; got {image_size}; "
            "resnet_18, shufflenet_v2 and wrn_10_2 take any side from 8 pixels"
        )
