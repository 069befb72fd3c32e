import colorsys
import math

import numpy as np
import pytest
from PIL import Image, ImageOps

from dogo_tf.platform.keras_compat import tf
from dogo_tf.views import augment

GREY = np.array([0.299, 0.587, 0.114])


def noise(batch, height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (batch, height, width, 3), dtype=np.uint8)


def on_planes(operation, images, *args):
    return augment.from_planes(operation(augment.to_planes(tf.constant(images)), *args)).numpy()


def test_planes_and_back_is_the_identity():
    images = noise(3, 4, 5)
    assert augment.to_planes(tf.constant(images)).shape == (3, 4, 3, 5)
    np.testing.assert_array_equal(on_planes(lambda planes: planes, images), images)


# Crops


def box_by_loop(u, height, width, area, aspect):
    """torchvision.transforms.RandomResizedCrop.get_params, given its random numbers."""
    for k in range(10):
        target = height * width * (area[0] + (area[1] - area[0]) * u[k])
        low, high = math.log(aspect[0]), math.log(aspect[1])
        ratio = math.exp(low + (high - low) * u[10 + k])
        w, h = round(math.sqrt(target * ratio)), round(math.sqrt(target / ratio))
        if 0 < w <= width and 0 < h <= height:
            return math.floor(u[20] * (height - h + 1)), math.floor(u[21] * (width - w + 1)), h, w
    if width / height < aspect[0]:
        w, h = width, round(width / aspect[0])
    elif width / height > aspect[1]:
        w, h = round(height * aspect[1]), height
    else:
        w, h = width, height
    return (height - h) // 2, (width - w) // 2, h, w


@pytest.mark.parametrize(
    "height, width, area, aspect",
    [
        (32, 32, (0.08, 1.0), (3 / 4, 4 / 3)),
        (40, 23, (0.5, 1.0), (3 / 4, 4 / 3)),
        (10, 64, (0.9, 1.0), (3 / 4, 4 / 3)),  # no attempt fits: the centred box
        (64, 10, (0.9, 1.0), (3 / 4, 4 / 3)),
        (16, 16, (1.0, 1.0), (1.0, 1.0)),
    ],
)
def test_crop_boxes_are_torchvisions(height, width, area, aspect):
    u = (np.random.default_rng(0).integers(0, 2**24, (500, 22)) / 2**24).astype(np.float32)
    boxes = augment.crop_boxes(tf.constant(u), height, width, area, aspect).numpy()
    expected = np.array([box_by_loop([float(x) for x in row], height, width, area, aspect) for row in u])
    assert (boxes != expected).any(axis=1).mean() < 0.01  # float32 may round a side the other way
    assert np.abs(boxes - expected).max() <= 1


@pytest.mark.parametrize("size", [8, 32, 50])
def test_crop_resize_and_flip_are_pillows(size):
    images = noise(6, 32, 40)
    boxes = [(0, 0, 32, 40), (3, 5, 20, 9), (0, 0, 1, 1), (31, 39, 1, 1), (10, 2, 22, 38), (4, 8, size % 28, size % 28)]
    flip = [False, True, False, True, True, False]
    got = on_planes(augment.crop_and_resize, images, tf.constant(boxes, tf.float32), tf.constant(flip), size)
    for image, (top, left, h, w), mirrored, result in zip(images, boxes, flip, got, strict=True):
        expected = Image.fromarray(image).crop((left, top, left + w, top + h))
        expected = np.asarray(expected.resize((size, size), Image.Resampling.BILINEAR), np.float32)
        assert np.abs(result - (expected[:, ::-1] if mirrored else expected)).max() <= 1.01


def test_whole_image_at_its_own_size_is_unchanged():
    images = noise(2, 16, 16)
    box = tf.constant([[0, 0, 16, 16]] * 2, tf.float32)
    np.testing.assert_array_equal(on_planes(augment.crop_and_resize, images, box, tf.constant([False] * 2), 16), images)


# Colours


def grey_of(image):
    return (image @ GREY)[..., None]


def jitter_by_loop(image, factors, hue, turns):
    """torchvision's ColorJitter of one image, an operation at a time and the hue pixel by pixel."""
    image = image.astype(np.float64)
    for operation in np.argsort(turns):
        if operation == augment.BRIGHTNESS:
            image = np.clip(factors[0] * image, 0, 255)
        elif operation == augment.CONTRAST:
            image = np.clip(factors[1] * image + (1 - factors[1]) * grey_of(image).mean(), 0, 255)
        elif operation == augment.SATURATION:
            image = np.clip(factors[2] * image + (1 - factors[2]) * grey_of(image), 0, 255)
        else:
            for pixel in np.ndindex(image.shape[:2]):
                h, s, v = colorsys.rgb_to_hsv(*(image[pixel] / 255))
                image[pixel] = 255 * np.array(colorsys.hsv_to_rgb((h + hue) % 1.0, s, v))
    return image


def jitter(images, brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0, turns=(0, 1, 2, 3), apply=True):
    n = len(images)

    def each(value, dtype=tf.float32):
        return tf.constant(np.broadcast_to(value, [n]), dtype)

    turns = tf.constant(np.broadcast_to(turns, [n, 4]), tf.int32)
    factors = [each(value) for value in (brightness, contrast, saturation, hue)]
    return on_planes(augment.colour_jitter, images, *factors, turns, each(apply, tf.bool))


def test_every_order_of_the_jitter():
    rng = np.random.default_rng(1)
    images = noise(24, 6, 6)
    factors = rng.uniform(0.2, 1.8, (3, 24)).astype(np.float32)
    hue = rng.uniform(-0.5, 0.5, 24).astype(np.float32)
    got = jitter(images, *factors, hue, augment.TURNS)
    for k in range(24):
        expected = jitter_by_loop(images[k], factors[:, k], hue[k], augment.TURNS[k])
        # 1/64: the contrast's mean is that of rounded greys.
        np.testing.assert_allclose(got[k], expected, atol=1 / 64, err_msg=f"turns {augment.TURNS[k]}")


def test_turns_are_all_orders_alike():
    u = (np.arange(24 * 5) + 0.5) / (24 * 5)
    drawn, counts = np.unique(augment.jitter_turns(tf.constant(u, tf.float32)).numpy(), axis=0, return_counts=True)
    assert len(drawn) == 24 and (counts == 5).all()


def test_no_jitter_is_the_identity_to_the_last_bit():
    images = noise(4, 8, 8)
    got = jitter(images, 1.7, 0.3, 1.5, 0.2, (3, 1, 0, 2), apply=[True, False, True, False])
    np.testing.assert_array_equal(got[1::2], images[1::2])
    assert (got[::2] != images[::2]).any(axis=(1, 2, 3)).all()


def test_closed_forms():
    images = noise(2, 8, 8)
    assert (jitter(images, brightness=0.0) == 0).all()
    means = grey_of(images).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(
        jitter(images, contrast=0.0), np.broadcast_to(means[:, None, None, None], images.shape), atol=0.01
    )
    np.testing.assert_allclose(
        jitter(images, saturation=0.0), np.broadcast_to(grey_of(images), images.shape), atol=1e-3
    )
    third = jitter(images, hue=1 / 3)  # a third of a turn: red becomes green, green blue, blue red
    np.testing.assert_allclose(third, images[..., [2, 0, 1]], atol=1e-3)
    np.testing.assert_array_equal(jitter(images, hue=0.0), images)


def test_grey_pixels_have_no_hue():
    images = np.repeat(noise(2, 8, 8)[..., :1], 3, axis=-1)
    np.testing.assert_allclose(jitter(images, hue=0.37), images, atol=1e-4)


def test_greyscale():
    images = noise(2, 5, 5)
    got = on_planes(augment.greyscale, images, tf.constant([True, False]))
    np.testing.assert_allclose(got[0], np.broadcast_to(grey_of(images[0]), (5, 5, 3)), atol=1e-3)
    assert (got[0] == got[0][..., :1]).all()
    np.testing.assert_array_equal(got[1], images[1])


# Blur


def blur_by_loop(image, sigma, kernel_size):
    radius = kernel_size // 2
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    padded = np.pad(image.astype(np.float64), ((radius, radius), (radius, radius), (0, 0)), mode="reflect")
    out = np.zeros(image.shape)
    for y, x, c in np.ndindex(image.shape):
        out[y, x, c] = weights @ padded[y : y + kernel_size, x : x + kernel_size, c] @ weights
    return out


@pytest.mark.parametrize("kernel_size", [1, 3, 9, 15])
def test_blur(kernel_size):
    images = noise(4, 8, 8)
    sigma = [0.1, 0.7, 2.0, 1.0]
    apply = tf.constant([True, True, True, False])
    got = on_planes(augment.blur, images, tf.constant(sigma), apply, kernel_size)
    for k in range(3):
        np.testing.assert_allclose(got[k], blur_by_loop(images[k], sigma[k], kernel_size), atol=1e-3)
    np.testing.assert_array_equal(got[3], images[3])


# Solarisation


def test_solarisation_is_a_loop_over_pixels_where_it_applies():
    images = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3).repeat(2, axis=0)
    out = on_planes(augment.solarize, images, tf.constant([True, False]))
    expected = [[255 - v if v >= 128 else v for v in image.ravel().tolist()] for image in images[:1]]
    np.testing.assert_array_equal(out[0].ravel(), expected[0])
    np.testing.assert_array_equal(out[1], images[1])
    np.testing.assert_array_equal(out[0], ImageOps.solarize(Image.fromarray(images[0]), 128))
