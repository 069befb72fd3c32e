"""From any picture to a small RGB square: the one resize of the whole project."""

import numpy as np
from PIL import Image, ImageOps

from dogo_tf.errors import InputError

MAX_PIXELS = 50_000_000  # a small file may unpack to gigabytes; larger JPEGs are decoded at a fraction of their size
_SIXTEEN_BIT = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # how Pillow names 16-bit grey, depending on its version


def check_image_size(size: int) -> None:
    """Raises InputError unless `size` is an integer of at least 8 pixels."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 8:
        raise InputError(f"image_size: expected an integer of at least 8 (pixels), got {size!r}")


def to_square(image: Image.Image, size: int, max_pixels: float = MAX_PIXELS) -> np.ndarray:
    """The centre of `image` as uint8 [size, size, 3], values 0..255.

    In this order: turn it upright (EXIF), crop the largest centred square, convert to RGB, resize to `size` (Pillow's
    BILINEAR, which antialiases when it shrinks). Cropping first equals "shorter side to `size`, then centre crop" up to
    the filter's support at the edge, and does not blow up a picture of 1 x 100,000 pixels.

    Grey, palette and 1-bit become RGB; CMYK by Pillow's conversion without colour profile; 16-bit grey is divided
    by 257, not clipped; transparency is composited on white. An animation shows its first frame.
    Raises what Pillow raises on damaged data, and ValueError for other pixel types (32-bit float, Lab, ...) and for more than
    `max_pixels` to decode.
    """
    whole = image.size
    image.draft(None, (2 * size, 2 * size))  # large JPEGs decode at 1/2, 1/4 or 1/8 size, still twice what is needed
    check_pixels(image, whole, max_pixels)
    image = upright(image)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = to_rgb(image.crop((left, top, left + side, top + side)))
    if side != size:
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(image)


def check_pixels(image: Image.Image, whole: tuple[int, int], max_pixels: float) -> None:
    """ValueError for more than `max_pixels` to decode. whole: the picture's size before it was drafted."""
    # A progressive JPEG is unpacked whole before it is reduced.
    width, height = whole if image.info.get("progressive") else image.size
    if width * height > max_pixels:
        raise ValueError(f"{width} x {height} pixels, more than the {max_pixels / 1e6:g} million of max_pixels")


def upright(image: Image.Image) -> Image.Image:
    """`image` itself, turned as its EXIF block says, if that can be read."""
    try:
        ImageOps.exif_transpose(image, in_place=True)  # else it would copy every picture
    except Exception:  # Pillow's parser fails in many ways on a damaged EXIF block
        image.load()  # ... while the pixels are fine, or raise here
    return image


def to_rgb(image: Image.Image) -> Image.Image:
    """See to_square for what becomes of other pixel types."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode in _SIXTEEN_BIT:
        return Image.fromarray(eight_bits(np.clip(np.asarray(image), 0, 65535))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    if image.mode in ("1", "L", "P", "CMYK", "YCbCr", "RGBX", "HSV"):
        return image.convert("RGB")
    raise ValueError(f"pixel type {image.mode} is not supported")


def eight_bits(array: np.ndarray) -> np.ndarray:
    """16-bit values 0..65535 scaled (65535 / 257 = 255) and rounded to uint8."""
    return np.round(np.asarray(array, np.float32) / 257).astype(np.uint8)
