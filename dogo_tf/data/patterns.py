"""`patterns`, the embedded data set: a texture drawn inside a shape, 10 classes, 32x32 RGB, made from a seed.

The class is the pair (texture, shape). Colour, polarity, orientation, scale, phase, position, background and noise are
drawn independently of it, so no single pixel and no colour says much about the class, while the local structure that
does survives random crops, flips, colour jitter and greyscale.

The variant `ood` shows the same ten classes as line drawings: outlines of the shape and of its texture, in another
palette on a blotchy background.

The pixels come from uniform draws by + - * /, square root, comparison and rounding, all in float64; a sine and a cosine
are taken once per image and layer only. So the bytes do not depend on the machine's vector instructions.
"""

from collections.abc import Iterator

import numpy as np

from dogo_tf.errors import InputError, unknown_name

TEXTURES = ("stripes", "zigzags", "checks", "dots", "blobs")
SHAPES = ("disc", "triangle")
CLASS_NAMES = tuple(f"{texture}_{shape}" for texture in TEXTURES for shape in SHAPES)
VARIANTS = ("default", "ood")
IMAGE_SIZE = 32

_CHUNK = 500  # images drawn at a time: part of the definition of the data, because a chunk shares one stream of draws
_NOISE = 0.06


def generate(count: int, seed: int, variant: str = "default") -> tuple[np.ndarray, np.ndarray]:
    """`count` labelled images: (uint8 [count, 32, 32, 3], int64 [count]), the same for the same arguments.

    Labels index CLASS_NAMES; they are shuffled, and every class appears equally often (to within one image). Another
    count gives other images, not a longer or shorter list of the same. InputError: an unknown variant, or count < 1.
    """
    chunks = list(generate_chunks(count, seed, variant))
    return np.concatenate([images for images, _ in chunks]), np.concatenate([labels for _, labels in chunks])


def generate_chunks(count: int, seed: int, variant: str = "default") -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same images and labels as `generate`, a few hundred at a time."""
    if variant not in VARIANTS:
        raise unknown_name("variant of patterns", variant, VARIANTS)
    if count < 1:
        raise InputError(f"count: expected at least 1 image, got {count}")
    rng = np.random.default_rng(np.random.SeedSequence([seed, VARIANTS.index(variant)]))
    labels = rng.permutation(np.arange(count, dtype=np.int64) % len(CLASS_NAMES))
    for start in range(0, count, _CHUNK):
        some = labels[start : start + _CHUNK]
        yield _draw(some, rng, outlines=variant == "ood"), some


def _draw(labels: np.ndarray, rng: np.random.Generator, outlines: bool) -> np.ndarray:
    """Images of the given classes, uint8 [n, 32, 32, 3]."""
    n = len(labels)
    texture, shape = np.divmod(labels, len(SHAPES))
    inside = _shape_distance(shape, rng)
    mark = _texture_distance(texture, rng, period=(9.0, 12.0) if outlines else (5.5, 8.5))
    background = _background(n, rng, outlines)
    # Which of the two colours is the darker one is a coin's toss: mean brightness must not speak for a class.
    dark, light = _colours(n, (0.05, 0.25), rng, outlines), _colours(n, (0.75, 0.95), rng, outlines)
    swap = _per_image(rng, n) < 0.5
    first, second = np.where(swap, dark, light), np.where(swap, light, dark)
    if outlines:
        line = np.maximum(_cover(1.0 - np.abs(inside)), _cover(0.8 - np.abs(mark)) * _cover(inside))
        images = background + line * (first - background)
    else:
        filled = second + _cover(mark) * (first - second)
        images = background + _cover(inside) * (filled - background)
    images += _NOISE * (2 * rng.random(images.shape) - 1)
    return np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8)


def _shape_distance(shape: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Signed distance to the silhouette in pixels, positive inside; [n, 32, 32, 1]."""
    x, y = _coordinates(len(shape), rng, wander=2.0)
    radius = _between(rng, len(shape), 11.5, 15.0)
    disc = radius - np.sqrt(x * x + y * y)
    # An equilateral triangle whose inscribed circle has 0.62 of the radius: about as much area as the disc.
    side = np.sqrt(0.75) * np.abs(x) + 0.5 * y
    triangle = 0.62 * radius - np.maximum(side, -y)
    return np.where(shape[:, None, None, None] == 0, disc, triangle)


def _texture_distance(texture: np.ndarray, rng: np.random.Generator, period: tuple[float, float]) -> np.ndarray:
    """Signed distance to the edges of the marks, roughly in pixels, positive inside a mark; [n, 32, 32, 1]."""
    n = len(texture)
    x, y = _coordinates(n, rng, wander=16.0)
    length = _between(rng, n, *period)
    u, v = x / length, y / length
    a, b = _triangle_wave(u) - 0.5, _triangle_wave(v) - 0.5
    fields = (
        a / 2,
        (_triangle_wave(u + 0.6 * _triangle_wave(0.6 * v)) - 0.5) / 2,
        np.maximum(np.minimum(a, b), np.minimum(-a, -b)) / 2,
        0.36 - np.sqrt((u - np.rint(u)) ** 2 + (v - np.rint(v)) ** 2),
        _blobs(u, v),
    )
    return length * np.choose(texture[:, None, None, None], fields)


def _blobs(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Irregular islands: plane waves in directions and with lengths that never come back into step."""
    waves = ((0.62, 0.11), (-0.25, 0.58), (0.43, -0.47), (0.31, 0.49), (-0.55, 0.35))
    return sum(_triangle_wave(p * u + q * v + 0.37 * i) - 0.5 for i, (p, q) in enumerate(waves)) / 2


def _background(n: int, rng: np.random.Generator, blotchy: bool) -> np.ndarray:
    """A smooth ramp between two colours of middle brightness, or (blotchy) soft patches of them; [n, 32, 32, 3]."""
    x, y = _coordinates(n, rng, wander=16.0)
    mix = np.clip(0.5 + (2 * _blobs(x / 24, y / 24) if blotchy else x / 32), 0, 1)
    start, end = _colours(n, (0.4, 0.6), rng, blotchy), _colours(n, (0.4, 0.6), rng, blotchy)
    return start + mix * (end - start)


def _colours(n: int, brightness: tuple[float, float], rng: np.random.Generator, vivid: bool) -> np.ndarray:
    """Random hues around a brightness in the given range; [n, 1, 1, 3], values may leave 0..1 a little."""
    hue = rng.random((n, 1, 1, 3))
    hue -= hue.mean(-1, keepdims=True)
    return _between(rng, n, *brightness) + (0.9 if vivid else 0.4) * hue


def _coordinates(n: int, rng: np.random.Generator, wander: float) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates about a centre at most `wander` pixels (each way) off the image's, turned by a random angle."""
    grid = np.arange(IMAGE_SIZE) - (IMAGE_SIZE - 1) / 2
    angle = _between(rng, n, 0, 2 * np.pi)
    x = grid[None, None, :, None] - _between(rng, n, -wander, wander)
    y = grid[None, :, None, None] - _between(rng, n, -wander, wander)
    return np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x


def _triangle_wave(x: np.ndarray) -> np.ndarray:
    """Period 1, 0 at whole numbers, 1 half-way between."""
    return 2 * np.abs(x - np.rint(x))


def _cover(distance: np.ndarray) -> np.ndarray:
    """The share of a pixel covered, for a straight edge at a signed distance in pixels: the antialiasing."""
    return np.clip(distance + 0.5, 0, 1)


def _between(rng: np.random.Generator, n: int, low: float, high: float) -> np.ndarray:
    return low + (high - low) * _per_image(rng, n)


def _per_image(rng: np.random.Generator, n: int) -> np.ndarray:
    """One uniform number in [0, 1) per image; [n, 1, 1, 1]."""
    return rng.random((n, 1, 1, 1))
