"""Crops of pictures of any size and kind."""

import io

import numpy as np
import pytest
from PIL import Image

from dogo_tf.data import crops, decode
from dogo_tf.data.crops import cut_crops
from dogo_tf.views.crops import ViewRequest, box
from dogo_tf.views.recipe import ViewRecipe

RECIPE = ViewRecipe(crop_area=(0.2, 1.0))


def picture(width, height, kind="PNG", **options):
    """A smooth ramp: red grows to the right, green downwards."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    content = io.BytesIO()
    Image.fromarray(np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8)).save(content, kind, **options)
    return content.getvalue()


def cut(content, requests, uniforms, max_pixels=1e9):
    return cut_crops(lambda: Image.open(io.BytesIO(content)), uniforms, requests, max_pixels)


def ramp_of(crop):
    """Mean red and green: where the middle of the crop lies in the whole picture, 0..1."""
    return crop.reshape(-1, 3)[:, :2].mean(axis=0) / 255


def middle(u, width, height):
    top, left, h, w = box(u, height, width, RECIPE)
    return (left + w / 2) / width, (top + h / 2) / height


@pytest.fixture
def uniforms():
    return np.random.default_rng(3).random((6, 22), np.float32)


REQUESTS = [ViewRequest(1, number, RECIPE, 16) for number in range(6)]


@pytest.mark.parametrize("kind, options", [("PNG", {}), ("JPEG", {"quality": 95})])
@pytest.mark.parametrize("width, height", [(40, 30), (600, 400), (200, 700)])
def test_each_crop_shows_its_box_also_of_a_picture_that_is_no_square(uniforms, kind, options, width, height):
    found = cut(picture(width, height, kind, **options), REQUESTS, uniforms)
    assert [crop.shape for crop in found] == [(16, 16, 3)] * 6 and found[0].dtype == np.uint8
    for crop, u in zip(found, uniforms, strict=True):
        np.testing.assert_allclose(ramp_of(crop), middle(u, width, height), atol=0.03)


def test_a_picture_that_lies_on_its_side_is_turned_before_it_is_cut(uniforms):
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored picture's top is to the right
    content = picture(600, 400, "JPEG", quality=95, exif=exif)
    for crop, u in zip(cut(content, REQUESTS, uniforms), uniforms, strict=True):
        across, down = middle(u, 400, 600)
        np.testing.assert_allclose(ramp_of(crop), (down, 1 - across), atol=0.03)


@pytest.mark.parametrize("side, size, expected", [(64, 32, 1), (300, 32, 2), (640, 32, 4), (1500, 32, 8), (300, 16, 4)])
def test_a_jpeg_is_decoded_as_small_as_its_smallest_crop_allows(monkeypatch, side, size, expected):
    seen, original = [], crops._decoded

    def recorded(image, reduction, max_pixels):
        found = original(image, reduction, max_pixels)
        seen.append((reduction, found[0].size))
        return found

    monkeypatch.setattr(crops, "_decoded", recorded)
    views = [ViewRequest(stream, 0, RECIPE, size) for stream in (1, 2)]
    cut(picture(side, side, "JPEG"), views, np.random.default_rng(0).random((2, 22)))
    assert seen == [(expected, (-(-side // expected),) * 2)]


def test_a_view_does_not_depend_on_the_recipes_of_others(uniforms):
    content = picture(640, 640, "JPEG")
    tiny = ViewRequest(2, 0, ViewRecipe(crop_area=(0.01, 0.1)), 16)
    (alone,) = cut(content, REQUESTS[:1], uniforms[:1])
    beside, _ = cut(content, [REQUESTS[0], tiny], uniforms[:2])
    np.testing.assert_array_equal(beside, alone)


def test_a_large_jpeg_is_reduced_and_other_large_files_are_bad(tmp_path, uniforms):
    for kind in ("JPEG", "PNG"):
        (tmp_path / kind).write_bytes(picture(200, 200, kind))
    small = [ViewRequest(1, 0, RECIPE, 64)]
    assert decode.read_crops(tmp_path / "JPEG", uniforms[:1], small, 10_000)[0].shape == (64, 64, 3)
    assert "200 x 200 pixels, more than the 0.01 million" in decode.read_crops(
        tmp_path / "PNG", uniforms[:1], small, 10_000
    )
    (tmp_path / "cut").write_bytes(picture(200, 200, "PNG")[:-500])
    assert isinstance(decode.read_crops(tmp_path / "cut", uniforms[:1], small, 1e9), str)
