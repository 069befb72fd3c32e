"""Image operations for views: batched, stateless, every shape static, so that they compile with XLA on any device.

Each operation is given its parameters, one set per image; `dogo_tf.views` draws them. Definitions are those of torchvision's
transforms (RandomResizedCrop with antialiasing, ColorJitter, RandomGrayscale, GaussianBlur), in float32 without rounding.

Inside, images are [B, H, 3, W] ("rows of planes"): resizing along y and along x are then plain batched matrix products, and
every colour plane has contiguous rows. `to_planes` and `from_planes` convert.
"""

import math
from itertools import permutations

import numpy as np

from dogo_tf.platform.keras_compat import tf

CROP_ATTEMPTS = 10
CROP_UNIFORMS = 2 * CROP_ATTEMPTS + 2  # random numbers that a crop takes
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma, as in Pillow's and torchvision's greyscale
SOLARIZE_FROM = 128.0  # as Pillow and torchvision
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
SLOT_TURNS = (0, 1, 2, 1, 2, 3)  # the turns that can come before hue, and those that can come after it
TURNS = np.array(list(permutations(range(4))), np.int32)  # [24, 4]


def to_planes(images):
    """uint8 or float [B, H, W, 3] -> float32 [B, H, 3, W]."""
    return tf.cast(tf.transpose(images, [0, 1, 3, 2]), tf.float32)


def from_planes(planes):
    """[B, H, 3, W] -> [B, H, W, 3]."""
    return tf.transpose(planes, [0, 1, 3, 2])


def crop_boxes(u, height: int, width: int, area, aspect):
    """The boxes of torchvision's RandomResizedCrop.

    Up to 10 attempts at an area, uniform, and an aspect ratio, log-uniform, until the rounded sides fit into the image; then a
    uniform position. Should all fail: the largest centred box whose aspect ratio is within the limits.

    Args:
        u: float32 [B, 22] uniform numbers: 10 areas, 10 aspect ratios, y, x.
        height, width: of the images, in pixels.
        area: (smallest, largest) share of the image. aspect: (smallest, largest) width / height.
    Returns:
        float32 [B, 4] of whole numbers: top, left, height, width.
    """
    shares = area[0] + (area[1] - area[0]) * u[:, :CROP_ATTEMPTS]
    low, high = math.log(aspect[0]), math.log(aspect[1])
    root_aspects = tf.exp(0.5 * (low + (high - low) * u[:, CROP_ATTEMPTS : 2 * CROP_ATTEMPTS]))
    side = tf.sqrt(shares * float(height * width))
    h, w = tf.round(side / root_aspects), tf.round(side * root_aspects)
    fits = (h >= 1) & (h <= height) & (w >= 1) & (w <= width)
    first = tf.one_hot(tf.argmax(tf.cast(fits, tf.int32), axis=1), CROP_ATTEMPTS)
    h, w = tf.reduce_sum(h * first, axis=1), tf.reduce_sum(w * first, axis=1)
    top, left = tf.floor(u[:, -2] * (height - h + 1)), tf.floor(u[:, -1] * (width - w + 1))
    drawn = tf.stack([top, left, h, w], axis=1)
    centred = tf.constant(centred_box(height, width, aspect), tf.float32)
    return tf.where(tf.reduce_any(fits, axis=1, keepdims=True), drawn, centred)


def centred_box(height, width, aspect):
    """The largest centred box whose width / height is within the limits: top, left, height, width."""
    h, w = height, width
    if width / height < aspect[0]:
        h = round(width / aspect[0])
    elif width / height > aspect[1]:
        w = round(height * aspect[1])
    return (height - h) // 2, (width - w) // 2, h, w


def crop_and_resize(planes, boxes, flip, size: int):
    """Crops, resizes as Pillow does with BILINEAR (antialiased when it shrinks) and flips left-right.

    Args:
        planes: float32 [B, H, 3, W]. boxes: float32 [B, 4], see `crop_boxes`. flip: bool [B]. size: side of the result.
    Returns:
        float32 [B, size, 3, size].
    """
    batch, (height, channels, width) = tf.shape(planes)[0], planes.shape[1:]
    top, left, h, w = tf.unstack(boxes, axis=1)
    along_y = _resize_matrix(top, h, height, size, tf.zeros_like(flip))
    along_x = _resize_matrix(left, w, width, size, flip)
    rows = tf.matmul(along_y, tf.reshape(planes, [batch, height, channels * width]))
    out = tf.matmul(tf.reshape(rows, [batch, size * channels, width]), along_x, transpose_b=True)
    return tf.clip_by_value(tf.reshape(out, [batch, size, channels, size]), 0.0, 255.0)


def flip_left_right(planes, flip):
    """[B, H, 3, W] -> the same, mirrored where `flip` (bool [B])."""
    return tf.where(flip[:, tf.newaxis, tf.newaxis, tf.newaxis], tf.reverse(planes, [3]), planes)


def _resize_matrix(start, length, full: int, size: int, mirrored):
    """[B, size, full]: what each pixel of the crop contributes to each pixel of the result; rows sum to 1.

    A triangle of half-width max(1, length / size) around each result pixel's centre, cut off at the edge of the crop.
    """
    start, length, mirrored = (t[:, tf.newaxis, tf.newaxis] for t in (start, length, mirrored))
    target = tf.range(size, dtype=tf.float32)[:, tf.newaxis]
    target = tf.where(mirrored, size - 1.0 - target, target)
    scale = length / size
    centre = start + (target + 0.5) * scale - 0.5
    source = tf.range(full, dtype=tf.float32)
    inside = (source >= start) & (source < start + length)
    weights = tf.nn.relu(1.0 - tf.abs(source - centre) / tf.maximum(scale, 1.0)) * tf.cast(inside, tf.float32)
    return weights / tf.reduce_sum(weights, axis=2, keepdims=True)


def jitter_turns(u):
    """A random order: u float32 [B] uniform -> int32 [B, 4], the turns (0..3) of brightness, contrast, saturation, hue."""
    return tf.gather(tf.constant(TURNS), tf.cast(tf.floor(u * len(TURNS)), tf.int32))


def colour_jitter(planes, brightness, contrast, saturation, hue, turns, apply):
    """torchvision's ColorJitter; an image that is not to be changed passes through to the last bit.

    brightness: x f; contrast: x f + (1 - f) mean grey of the image; saturation: x f + (1 - f) grey of the pixel, each
    clipped to 0..255; hue: H of HSV shifted.

    Args:
        planes: float32 [B, H, 3, W] in 0..255. brightness, contrast, saturation: float32 [B] factors f.
        hue: float32 [B] in turns of the colour wheel, -0.5..0.5. turns: int32 [B, 4], see `jitter_turns`. apply: bool [B].
    Returns:
        float32 [B, H, 3, W] in 0..255.
    """
    # Brightness, contrast and saturation are one formula with different coefficients, so a slot for each turn before hue and
    # one for each turn after it serve every order; a slot that an image has no use for leaves it as it is.
    factors, grey_shares, mean_shares = _blend_coefficients([brightness, contrast, saturation], turns, apply)

    # A loop, unrolled, grows exponentially in XLA's CPU compiler, which computes every slot again for each of its uses.
    def blend(slot, r, g, b):
        grey = _grey((r, g, b))
        added = _per_image(tf.gather(grey_shares, slot, axis=1)) * grey
        added += _per_image(tf.gather(mean_shares, slot, axis=1)) * _mean(grey)
        return [slot + 1, *_blend((r, g, b), tf.gather(factors, slot, axis=1), added)]

    def blends(first, last, rgb):
        return tf.while_loop(lambda slot, *_: slot <= last, blend, [tf.constant(first), *rgb])[1:]

    rgb = blends(0, 2, tf.unstack(planes, axis=2))
    rgb = _shift_hue(rgb, tf.where(apply, hue, 0.0))
    return tf.stack(blends(3, 5, rgb), axis=2)


def _blend_coefficients(factors, turns, apply):
    """Each [B, slots]: the factor, the share of the pixel's grey and that of the image's mean grey; else 1, 0, 0."""
    slot_turns = tf.constant(SLOT_TURNS)
    before_hue = tf.constant([k < len(SLOT_TURNS) // 2 for k in range(len(SLOT_TURNS))])
    hue_turn = turns[:, HUE, tf.newaxis]
    due = apply[:, tf.newaxis] & tf.where(before_hue, slot_turns < hue_turn, slot_turns > hue_turn)
    active = [due & (turns[:, op, tf.newaxis] == slot_turns) for op in (BRIGHTNESS, CONTRAST, SATURATION)]
    factor = tf.ones_like(due, tf.float32)
    for here, value in zip(active, factors, strict=True):
        factor = tf.where(here, value[:, tf.newaxis], factor)
    return factor, tf.where(active[SATURATION], 1.0 - factor, 0.0), tf.where(active[CONTRAST], 1.0 - factor, 0.0)


def greyscale(planes, apply):
    """[B, H, 3, W] -> the same with all planes equal to .299 R + .587 G + .114 B where `apply` (bool [B])."""
    rgb = tf.unstack(planes, axis=2)
    share = tf.cast(apply, tf.float32)
    return tf.stack(_blend(rgb, 1.0 - share, _per_image(share) * _grey(rgb)), axis=2)


def _grey(rgb):
    return GREY[0] * rgb[0] + GREY[1] * rgb[1] + GREY[2] * rgb[2]


def _blend(rgb, factor, added):
    """factor [B] times every plane plus `added` [B, H, W], clipped to 0..255."""
    return [tf.clip_by_value(_per_image(factor) * plane + added, 0.0, 255.0) for plane in rgb]


def _mean(plane):
    """[B, H, W] in 0..255 -> [B, 1, 1]: the mean of rounded values, to 1/64 at 32 x 32 pixels, to 1 from 182 x 182 (as Pillow).

    Sums of so few digits are exact up to 256 x 256 pixels; otherwise they would depend on the order of the terms, which
    compilers choose by the batch size. Columns first: those sums vectorise.
    """
    pixels = plane.shape[1] * plane.shape[2]
    unit = max(1.0, 2.0 ** math.floor(16 - math.log2(pixels)))
    total = tf.reduce_sum(tf.reduce_sum(tf.round(plane * unit), axis=1), axis=1)
    return _per_image(total / (unit * pixels))


def _per_image(values):
    """[B] -> [B, 1, 1]."""
    return values[:, tf.newaxis, tf.newaxis]


def _shift_hue(rgb, shift):
    """Moves H of HSV by `shift` ([B], in turns, -0.5..0.5) at the same S and V; a shift of 0 leaves the image as it is.

    With v the largest channel and c = v - smallest the chroma, H counts sixths of a turn, and a channel at its place o (0, 2,
    4) on the wheel is v - c clip(d - 1, 0, 1), d = distance of H from o round the wheel. Everything is kept multiplied by c,
    so that grey pixels need no division.
    """
    r, g, b = rgb
    value = tf.maximum(tf.maximum(r, g), b)
    chroma = value - tf.minimum(tf.minimum(r, g), b)
    hue = tf.where(value == r, g - b, tf.where(value == g, b - r + 2.0 * chroma, r - g + 4.0 * chroma))
    three = 3.0 * chroma
    shift = 6.0 * _per_image(shift)

    def channel(plane, place):
        offset = tf.abs(hue + (shift - place) * chroma)  # up to 9 chromas: one and a half times round
        distance = tf.abs(three - tf.abs(offset - three))
        shifted = value - tf.clip_by_value(distance - chroma, 0.0, chroma)
        return tf.where(shift == 0.0, plane, shifted)

    return [channel(plane, place) for plane, place in zip(rgb, (0.0, 2.0, 4.0), strict=True)]


def solarize(planes, apply):
    """[B, H, 3, W] in 0..255 -> the same with values v >= 128 turned into 255 - v where `apply` (bool [B])."""
    turned = (planes >= SOLARIZE_FROM) & apply[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.where(turned, 255.0 - planes, planes)


def blur(planes, sigma, apply, kernel_size: int):
    """Gaussian blur with a window of `kernel_size` pixels (odd) and reflected borders.

    Args:
        planes: float32 [B, S, 3, S]. sigma: float32 [B], pixels. apply: bool [B].
    Returns:
        float32 [B, S, 3, S]; images not to be blurred pass through to the last bit.
    """
    batch, (size, channels, _) = tf.shape(planes)[0], planes.shape[1:]
    matrix = _blur_matrix(sigma, size, kernel_size // 2)
    rows = tf.matmul(matrix, tf.reshape(planes, [batch, size, channels * size]))
    out = tf.matmul(tf.reshape(rows, [batch, size * channels, size]), matrix, transpose_b=True)
    return tf.where(apply[:, tf.newaxis, tf.newaxis, tf.newaxis], tf.reshape(out, tf.shape(planes)), planes)


def _blur_matrix(sigma, size: int, radius: int):
    """[B, size, size]: a pixel counts at its own place and at its mirror images beyond either border (not twice on it)."""
    i, j = np.arange(size)[:, np.newaxis], np.arange(size)[np.newaxis]
    far = radius + 1
    distances = [abs(i - j), np.where(j > 0, i + j, far), np.where(j < size - 1, 2 * (size - 1) - i - j, far)]
    precision = 0.5 / tf.square(sigma)[:, tf.newaxis, tf.newaxis]
    parts = []
    for d in distances:
        square, inside = tf.constant(d.astype(np.float32) ** 2), tf.constant((d <= radius).astype(np.float32))
        parts.append(tf.exp(-square * precision) * inside)
    weights = tf.add_n(parts)
    return weights / tf.reduce_sum(weights, axis=2, keepdims=True)
