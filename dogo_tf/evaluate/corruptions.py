"""Test images made worse on purpose, in five severities: how much of the accuracy survives noise, blur, weather and files?

The corruptions and their constants are those of CIFAR-10-C (Hendrycks and Dietterich, "Benchmarking neural network
robustness to common corruptions and perturbations", ICLR 2019, and the script that made the set), computed here in a
few lines of NumPy each. They are close to the published images, not the same bytes: another random generator, and
results are rounded, where theirs are cut off.

The constants were chosen for 32 x 32 pixels. For other sides, lengths in pixels (of the blurs) are multiplied by
side / 32; everything else is relative to the picture already or, like the noise, used as it is.
"""

import zlib

import numpy as np

from dogo_tf.data.image_set import check_images
from dogo_tf.data.pixels import check_image_size
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate import damage

# Name -> what it does to an image, and its constant at the severities 1 to 5.
_TABLE = {
    "gaussian_noise": (damage.gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot_noise": (damage.shot_noise, (500, 250, 100, 75, 50)),
    "impulse_noise": (damage.impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "defocus_blur": (damage.defocus_blur, ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))),
    # 3 and 4 differ in the published constants by where the Gaussian is cut off, which is too far out to be seen.
    "motion_blur": (damage.motion_blur, (1, 1.5, 2, 2, 2.5)),
    "fog": (damage.fog, ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))),
    "brightness": (damage.brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": (damage.contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
    "saturate": (damage.saturate, ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))),
    "jpeg": (damage.jpeg, (80, 65, 58, 50, 40)),
    "pixelate": (damage.pixelate, (0.95, 0.9, 0.85, 0.75, 0.65)),
}
SEVERITIES = range(1, 6)
CORRUPTIONS = tuple(_TABLE)


def corrupt(images: np.ndarray, name: str, severity: int, seed: int = 0, numbers=None) -> np.ndarray:
    """The images with one corruption.

    An image's result depends on the image, name, severity, seed and the image's number alone, not on the other images.

    Args:
        images: uint8 [N, S, S, 3], values 0..255.
        name: one of CORRUPTIONS.
        severity: 1 (mild) to 5. "saturate" takes colour away at 1 and 2 and adds it from 3 on, so it is the one that
            does not get stronger all the way; 3 and 4 of "motion_blur" are equally strong.
        seed: integer >= 0, of the noises, the fog and the direction of the motion.
        numbers: integers >= 0 [N], the images' numbers in the whole set, so that a part of it is corrupted as it is there.
            None: 0 .. N - 1.
    Returns:
        uint8 [N, S, S, 3].
    Raises:
        InputError: images of another type or shape, an unknown name, a severity out of range, not one number an image.
    """
    check_images(images)
    if images.shape[1] != images.shape[2]:
        raise InputError(f"images: expected squares, shape [N, S, S, 3], got {list(images.shape)}")
    check_image_size(images.shape[1])
    if name not in _TABLE:
        raise unknown_name("corruption", name, CORRUPTIONS)
    if severity not in SEVERITIES:
        raise InputError(f"severity: expected a whole number from 1 (mild) to {SEVERITIES[-1]}, got {severity!r}")
    numbers = np.arange(len(images)) if numbers is None else np.asarray(numbers)
    whole = numbers.shape == (len(images),) and numbers.dtype.kind in "iu"
    if not whole or (numbers < 0).any():
        came = f"{numbers.dtype} {list(numbers.shape)}" + (f" from {numbers.min()} on" if whole else "")
        raise InputError(f"numbers: expected a whole number >= 0 for each of the {len(images)} images, got {came}")
    function, constants = _TABLE[name]
    severity = int(severity)
    stream = zlib.crc32(name.encode())  # of the name, so that further corruptions leave the others as they are
    corrupted = np.empty_like(images)
    for image, number, result in zip(images, numbers, corrupted, strict=True):
        rng = np.random.default_rng([seed, stream, severity, number])
        values = function(image / np.float32(255), constants[severity - 1], rng)
        result[:] = np.rint(255 * np.clip(values, 0, 1))
    return corrupted
