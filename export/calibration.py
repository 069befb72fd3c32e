"""Which images show the converter the ranges of the activations, for integer formats."""

from dataclasses import asdict, dataclass

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_images

FEWEST, MOST = 100, 200
DEFAULT = 128


@dataclass(frozen=True)
class Calibration:
    """images: uint8 [N, H, W, 3]. lowest, highest: of the user's pixels, 0..255. extended: whether two pixels were set to 0
    and 255 so that the range is whole."""

    images: np.ndarray
    lowest: int
    highest: int
    extended: bool

    def as_dict(self) -> dict:
        return {name: value for name, value in asdict(self).items() if name != "images"} | {"images": len(self.images)}


def choose(images: np.ndarray, count: int = DEFAULT, seed: int = 0) -> Calibration:
    """`count` of the images, drawn without replacement.

    Calibration keeps the smallest and the largest value of each tensor, so more images are not better: one outlier widens all
    late ranges. With fewer than 100 what lies outside is cut off; of MobileNetV3, whose activations have long tails, 1,000
    images made a worse file than 25.

    The input must be quantised with scale 1 and zero-point 0, so that a device hands over its pixels as they are: 0 and 255
    must occur. Where they do not, one pixel of one image is made black and one white. That leaves the later ranges those of the
    user's images, as a black and a white image would not.

    Args:
        images: uint8 [M >= count, H, W, 3], the user's own.
        count: 100..200.
    Raises:
        InputError: too few images, a count out of range, or images so dark that they must be something else than 0..255.
    """
    check_images(images)
    if not FEWEST <= count <= MOST:
        raise InputError(f"calibration_images: expected {FEWEST} to {MOST}, got {count}")
    if len(images) < count:
        raise InputError(
            f"calibration_images: {count} are wanted, but there are only {len(images)} images to choose from"
        )
    chosen = images[np.sort(np.random.default_rng(seed).permutation(len(images))[:count])]
    lowest, highest = int(chosen.min()), int(chosen.max())
    if highest <= 1:
        raise InputError(
            f"calibration images: expected pixel values 0..255, the largest is {highest}; were they scaled to 0..1 before "
            "they became uint8?"
        )
    extended = lowest > 0 or highest < 255
    if extended:
        chosen = chosen.copy()
        chosen[0, 0, 0], chosen[0, -1, -1] = 0, 255
    return Calibration(chosen, lowest, highest, extended)
