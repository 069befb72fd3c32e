"""The one resize: every kind of picture becomes the same uint8 RGB square."""

import io

import numpy as np
import pytest
from PIL import Image

from dogo_tf.data.pixels import check_image_size, eight_bits, to_square
from dogo_tf.errors import InputError


def _random(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _reopened(image, kind, **options):
    """`image` written as a file of this kind and opened again, as the folder reader sees it."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(io.BytesIO(buffer.getvalue()))


def test_a_square_of_the_right_size_is_untouched():
    pixels = _random(16, 16)
    result = to_square(Image.fromarray(pixels), 16)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, pixels)


@pytest.mark.parametrize("height, width", [(20, 47), (47, 20), (20, 21)])
def test_the_crop_is_the_centre(height, width):
    pixels = _random(height, width)
    top, left = (height - 20) // 2, (width - 20) // 2
    np.testing.assert_array_equal(to_square(Image.fromarray(pixels), 20), pixels[top : top + 20, left : left + 20])


def test_halving_is_antialiased_by_a_triangle_of_two_pixels():
    pixels = _random(32, 32).astype(np.float64)
    weights = np.array([1, 3, 3, 1]) / 8  # the triangle of radius 2, at distances 1.5, 0.5, 0.5, 1.5
    result = to_square(Image.fromarray(pixels.astype(np.uint8)), 16)
    for y in range(1, 15):
        for x in range(1, 15):
            patch = pixels[2 * y - 1 : 2 * y + 3, 2 * x - 1 : 2 * x + 3]
            expected = np.einsum("i,j,ijc->c", weights, weights, patch)
            np.testing.assert_allclose(result[y, x], expected, atol=1.01)  # Pillow rounds after each direction


def test_cropping_first_equals_resizing_the_shorter_side_first():
    y, x = np.mgrid[0:60, 0:100]
    pixels = np.stack([2 * x, 4 * y, 255 - x - y], axis=-1).astype(np.uint8)
    image = Image.fromarray(pixels)
    other = np.asarray(image.resize((40, 24), Image.Resampling.BILINEAR))[:, 8:32].astype(int)
    np.testing.assert_allclose(to_square(image, 24)[1:-1, 1:-1], other[1:-1, 1:-1], atol=1)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_one_pixel_fills_the_square(size):
    np.testing.assert_array_equal(to_square(Image.new("RGB", size, (9, 8, 7)), 8), np.full((8, 8, 3), (9, 8, 7)))


def test_grey_and_one_bit():
    grey = _random(9, 9, channels=1)
    np.testing.assert_array_equal(to_square(Image.fromarray(grey), 9), np.repeat(grey[..., None], 3, axis=2))
    bits = to_square(Image.fromarray(grey > 127), 9)
    np.testing.assert_array_equal(bits, np.repeat(np.where(grey > 127, 255, 0)[..., None], 3, axis=2))


def test_sixteen_bits_are_scaled_not_clipped():
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    image = _reopened(Image.fromarray(grey * 257), "PNG")
    np.testing.assert_array_equal(to_square(image, 16)[..., 0], grey)
    np.testing.assert_array_equal(eight_bits(np.array([0, 128, 129, 65406, 65407, 65535])), [0, 0, 1, 254, 255, 255])


def test_palette():
    pixels = _random(8, 8) // 128 * 255  # at most 8 colours
    image = _reopened(Image.fromarray(pixels).convert("P", palette=Image.Palette.ADAPTIVE), "PNG")
    assert image.mode == "P"
    np.testing.assert_allclose(to_square(image, 8), pixels, atol=1)


def test_cmyk():
    image = _reopened(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    assert image.mode == "CMYK"
    np.testing.assert_allclose(to_square(image, 8), np.full((8, 8, 3), (255, 0, 0)), atol=4)


@pytest.mark.parametrize(
    "mode, colour, expected",
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", (255, 0, 0, 51), (255, 204, 204)),  # 0.2 red + 0.8 white
        ("LA", (0, 51), (204, 204, 204)),
    ],
)
def test_transparency_is_composited_on_white(mode, colour, expected):
    image = _reopened(Image.new(mode, (8, 8), colour), "PNG")
    np.testing.assert_allclose(to_square(image, 8), np.full((8, 8, 3), expected), atol=1)


@pytest.mark.parametrize("mode, key", [("RGB", (0, 0, 255)), ("L", 7), ("P", 3)])
def test_a_transparent_colour_is_composited_on_white(mode, key):
    image = Image.new(mode, (8, 8), key)
    if mode == "P":
        image.putpalette([value for index in range(256) for value in (index, index, index)])
    image = _reopened(image, "PNG", transparency=key)
    assert image.mode == mode
    np.testing.assert_array_equal(to_square(image, 8), np.full((8, 8, 3), 255))


@pytest.mark.parametrize(
    "orientation, undo",
    [
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (4, lambda x: x[::-1]),
        (5, lambda x: x.transpose(1, 0, 2)),
        (6, lambda x: np.rot90(x, -1)),
        (7, lambda x: x[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda x: np.rot90(x)),
    ],
)
def test_exif_orientation(orientation, undo):
    pixels = _random(12, 12)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = _reopened(Image.fromarray(pixels), "PNG", exif=exif)
    np.testing.assert_array_equal(to_square(image, 12), undo(pixels))


def test_damaged_exif_does_not_cost_the_picture():
    image = _reopened(Image.new("RGB", (8, 8), (10, 20, 30)), "PNG", exif=b"Exif\0\0neither II nor MM")
    with pytest.raises(SyntaxError):
        image.getexif()
    np.testing.assert_array_equal(to_square(image, 8), np.full((8, 8, 3), (10, 20, 30)))


def test_an_animation_shows_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    image = _reopened(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert image.n_frames == 3
    np.testing.assert_array_equal(to_square(image, 8), np.full((8, 8, 3), (255, 0, 0)))


def test_a_large_jpeg_decoded_at_a_fraction_looks_the_same():
    y, x = np.mgrid[0:800, 0:800]
    smooth = np.stack([x * 255 // 799, y * 255 // 799, (x + y) * 255 // 1598], axis=-1).astype(np.uint8)
    image = _reopened(Image.fromarray(smooth), "JPEG", quality=95)
    np.testing.assert_allclose(to_square(image, 32), to_square(Image.fromarray(smooth), 32), atol=4)


def test_other_pixel_types_are_refused():
    with pytest.raises(ValueError, match="pixel type F is not supported"):
        to_square(Image.new("F", (8, 8)), 8)


@pytest.mark.parametrize("size", [7, 0, -8, 32.0, "32", True])
def test_image_size_is_checked(size):
    with pytest.raises(InputError) as error:
        check_image_size(size)
    assert str(error.value) == f"image_size: expected an integer of at least 8 (pixels), got {size!r}"
