"""Which images show the converter the ranges of the activations, for integer formats."""

from dataclasses import asdict, dataclass

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import check_images

FEWEST, MOST = 100, 200
DEFAULT = 128
# Images to choose among ranges by: as many as a gate needs, and fewer than this many others tell little.
MOST_JUDGING, FEWEST_JUDGING = 256, 64


@dataclass(frozen=True)
class Calibration:
    """images: uint8 [N, H, W, 3]. lowest, highest: of the user's pixels, 0..255. extended: whether two pixels were set to 0
    and 255 so that the range is whole. judging: uint8 [M, H, W, 3], to choose among ranges by. held_out: whether they are
    others; where fewer than 64 others are left, they are `images` themselves. learning: int64 [K], the rows of all images that
    are not held out."""

    images: np.ndarray
    lowest: int
    highest: int
    extended: bool
    judging: np.ndarray
    held_out: bool
    learning: np.ndarray

    def as_dict(self) -> dict:
        counts = {name: len(getattr(self, name)) for name in ("images", "judging", "learning")}
        return asdict(self) | counts


def check_enough(available: int, count: int = DEFAULT) -> None:
    """InputError, with the ways out, if so many images cannot be drawn from those that there are."""
    if available < count:
        raise InputError(
            f"calibration_images: {count} are wanted, but there are only {available} images to choose from; "
            "--calibration=... takes others, without labels, and --formats=float32,float16 leaves int8 out"
        )


def choose(images: np.ndarray, count: int = DEFAULT, seed: int = 0) -> Calibration:
    """`count` of the images, drawn without replacement.

    The converter keeps the smallest and the largest value of each tensor, so more images are not better: one outlier widens all
    late ranges. With fewer than 100 what lies outside is cut off; of MobileNetV3, whose activations have long tails, 1,000
    images made a worse file than 25. Up to 256 others are set aside to choose among other rules for ranges.

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
    check_enough(len(images), count)
    order = np.random.default_rng(seed).permutation(len(images))
    chosen = images[np.sort(order[:count])]
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
    others = np.sort(order[count:][:MOST_JUDGING])
    held_out = len(others) >= FEWEST_JUDGING
    learning = np.setdiff1d(order, others) if held_out else np.arange(len(images))
    return Calibration(chosen, lowest, highest, extended, images[others] if held_out else chosen, held_out, learning)
