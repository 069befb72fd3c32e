"""What each corruption does to one image; corruptions.py says how strongly, and for whom.

Every function takes an image, float32 [S, S, 3] in 0..1, the constant of its severity and a random generator, and returns
[S, S, 3], which may leave 0..1. Lengths in pixels are those at a side of 32 and grow with it.
"""

import io

import numpy as np
from PIL import Image

_SIDE = 32


def gaussian_noise(image, deviation, rng):
    """deviation: standard deviation, for values 0..1."""
    return image + np.float32(deviation) * rng.standard_normal(image.shape, np.float32)


def shot_noise(image, photons, rng):
    """photons: the expected count where the value is 1."""
    return rng.poisson(image * photons) / photons


def impulse_noise(image, share, rng):
    """0 or 1, equally often, for a share of the values; every channel by itself."""
    draw = rng.random(image.shape, np.float32)
    return np.where(draw < share / 2, 0, np.where(draw >= 1 - share / 2, 1, image))


def defocus_blur(image, radius_and_softness, _):
    """The disc of a radius in pixels, softened by a Gaussian (standard deviation in pixels) that ends after one pixel."""
    scale = len(image) / _SIDE
    radius, softness = (scale * length for length in radius_and_softness)
    reach = int(radius)
    end = max(1, round(scale))
    disc = np.pad(_squared_distances(reach) <= radius**2, end).astype(float)
    gaussian = np.exp(-_squared_distances(end) / (2 * softness**2))
    steps = range(-end, end + 1)
    kernel = sum(gaussian[y + end, x + end] * np.roll(disc, (y, x), (0, 1)) for y in steps for x in steps)
    centre = reach + end
    return _weighted_shifts(image, [(y - centre, x - centre, weight) for (y, x), weight in np.ndenumerate(kernel)])


def motion_blur(image, deviation, rng):
    """Half a Gaussian (standard deviation in pixels) along a line at most 45 degrees off the horizontal."""
    deviation = deviation * len(image) / _SIDE
    angle = np.deg2rad(rng.uniform(-45, 45))
    steps = np.arange(int(4 * deviation) + 1)
    weights = np.exp(-(steps**2) / (2 * deviation**2))
    rows, columns = np.rint(steps * np.sin(angle)).astype(int), np.rint(steps * np.cos(angle)).astype(int)
    return _weighted_shifts(image, list(zip(rows, columns, weights, strict=True)))


def fog(image, density_and_smoothness, rng):
    """A cloud of a density added to the image, then both scaled down so that the density alone costs contrast."""
    density, smoothness = density_and_smoothness
    side = len(image)
    size = 1 << (side - 1).bit_length()
    cloud = _cloud(rng.uniform(-1, 1, (size, size)).astype(np.float32), smoothness)[:side, :side, None]
    brightest = image.max()
    return (image + density * cloud) * (brightest / (brightest + density))


def brightness(image, summand, _):
    """summand: to the value (the largest channel) of HSV; hue and saturation stay."""
    value = image.max(axis=-1, keepdims=True)
    brighter = np.clip(value + summand, 0, 1)
    return np.where(value > 0, image * (brighter / np.maximum(value, 1 / 255)), brighter)


def contrast(image, factor, _):
    """factor: of the deviations from every channel's mean."""
    mean = image.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    return mean + factor * (image - mean)


def saturate(image, factor_and_summand, _):
    """The saturation of HSV times a factor plus a summand. Greys have no hue; HSV says red, so a summand tints them."""
    factor, summand = factor_and_summand
    value = image.max(axis=-1, keepdims=True)
    chroma = value - image.min(axis=-1, keepdims=True)
    hue = np.where(chroma > 0, (value - image) / np.maximum(chroma, 1 / 255), np.float32([0, 1, 1]))
    saturation = chroma / np.maximum(value, 1 / 255)
    return value * (1 - hue * np.clip(factor * saturation + summand, 0, 1))


def jpeg(image, quality, _):
    """quality: 1..95, as the JPEG library counts it."""
    file = io.BytesIO()
    _to_pillow(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file)) / np.float32(255)


def pixelate(image, share, _):
    """share: of the side that is left in between."""
    side = len(image)
    small = _to_pillow(image).resize((int(share * side),) * 2, Image.Resampling.BOX)
    return np.asarray(small.resize((side, side), Image.Resampling.BOX)) / np.float32(255)


def _to_pillow(image):
    return Image.fromarray(np.rint(255 * image).astype(np.uint8))


def _squared_distances(reach: int) -> np.ndarray:
    """From the centre of a square of 2 * reach + 1 pixels."""
    line = np.arange(-reach, reach + 1) ** 2
    return line[:, None] + line


def _weighted_shifts(image, shifts) -> np.ndarray:
    """The mean of the image moved by (rows, columns), with weights; `shifts`: [(rows, columns, weight)]. Edges mirror."""
    total = sum(weight for _, _, weight in shifts)
    shifts = [(y, x, np.float32(weight / total)) for y, x, weight in shifts if weight > 1e-4 * total]
    margin = max(max(abs(y), abs(x)) for y, x, _ in shifts)
    padded, side = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="reflect"), len(image)
    return sum(
        weight * padded[margin + y : margin + y + side, margin + x : margin + x + side] for y, x, weight in shifts
    )


def _cloud(draws, smoothness) -> np.ndarray:
    """A plasma fractal in 0..1 by the diamond-square algorithm on a torus; draws: [size, size] in -1..1, size a power of 2.

    A point is the mean of its four neighbours at the same distance plus its draw, times 1 / smoothness**2 a level.
    """
    size, height, amplitude = len(draws), np.zeros_like(draws), 1.0
    step = size
    while step > 1:
        half = step // 2
        corners = height[::step, ::step]
        along = corners + np.roll(corners, -1, 1)
        down = corners + np.roll(corners, -1, 0)
        nudge = amplitude * draws
        centres = (along + np.roll(along, -1, 0)) / 4 + nudge[half::step, half::step]
        height[half::step, half::step] = centres
        height[::step, half::step] = (along + centres + np.roll(centres, 1, 0)) / 4 + nudge[::step, half::step]
        height[half::step, ::step] = (down + centres + np.roll(centres, 1, 1)) / 4 + nudge[half::step, ::step]
        step, amplitude = half, amplitude / smoothness**2
    height -= height.min()
    return height / height.max()
