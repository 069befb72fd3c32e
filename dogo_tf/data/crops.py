"""From a picture to the crops that views are made of."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from dogo_tf.data.pixels import check_pixels, to_rgb, upright
from dogo_tf.views.crops import ViewRequest, box, smallest_side

_REDUCTIONS = (1, 2, 4, 8)  # of the sides, that a JPEG can be decoded at for a part of the work


def cut_crops(
    opened: Callable[[], Image.Image], uniforms: np.ndarray, requests: Sequence[ViewRequest], max_pixels: float
) -> list[np.ndarray]:
    """Each crop of `requests`, uint8 [size, size, 3], out of one picture.

    A JPEG is decoded at 1/2, 1/4 or 1/8 of its sides where no crop of the view's recipe would have to be enlarged for it: that
    depends on picture, recipe and size, not on what is drawn, and is mostly the same for all views. Each box, drawn for the
    whole upright picture (EXIF), is resized by Pillow's BILINEAR. Pixel types, and what is raised, as by pixels.to_square.

    Args:
        opened: opens the picture, which is not decoded by that.
        uniforms: float32 [views, CROP_UNIFORMS]; see views.crops.CropPlan.
    """
    with opened() as image:
        whole = image.size
        reductions = [_reduction(whole, view, max_pixels) for view in requests]
        pictures = {reductions[0]: _decoded(image, reductions[0], max_pixels)}
    for reduction in set(reductions) - pictures.keys():
        with opened() as image:
            pictures[reduction] = _decoded(image, reduction, max_pixels)

    def crop(view: ViewRequest, u: np.ndarray, reduction: int) -> np.ndarray:
        picture, turned = pictures[reduction]
        width, height = whole[::-1] if turned else whole
        x, y = picture.width / width, picture.height / height
        top, left, h, w = box(u, height, width, view.recipe)
        part = (left * x, top * y, min((left + w) * x, picture.width), min((top + h) * y, picture.height))
        return np.asarray(picture.resize((view.size, view.size), Image.Resampling.BILINEAR, part))

    return [crop(*asked) for asked in zip(requests, uniforms, reductions, strict=True)]


def _reduction(whole: tuple[int, int], view: ViewRequest, max_pixels: float) -> int:
    """The largest that leaves every crop of the view as many pixels as it needs, and the picture no more than `max_pixels`."""
    least = smallest_side(*whole, view.recipe) / view.size
    return next((r for r in _REDUCTIONS if 2 * r > least and whole[0] * whole[1] / r**2 <= max_pixels), _REDUCTIONS[-1])


def _decoded(image: Image.Image, reduction: int, max_pixels: float) -> tuple[Image.Image, bool]:
    """The picture in RGB, upright, and whether that exchanged its sides."""
    whole = image.size
    image.draft(None, tuple(max(1, side // reduction) for side in whole))
    check_pixels(image, whole, max_pixels)
    lying = image.size
    picture = to_rgb(upright(image))
    return picture, picture.size != lying
