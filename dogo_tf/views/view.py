"""uint8 images -> random views, by a recipe, as a pure function of (seed, example number, peer, view)."""

import functools
from typing import Any, NamedTuple

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf
from dogo_tf.views import augment, counter_rng
from dogo_tf.views.recipe import ViewRecipe, of_views

UNIFORMS = 33  # random numbers that a view takes


class ViewParameters(NamedTuple):
    """What was drawn for each of B images: `boxes` float32 [B, 4], `turns` int32 [B, 4], else [B]; see views.augment."""

    boxes: Any
    flip: Any
    jitter: Any
    brightness: Any
    contrast: Any
    saturation: Any
    hue: Any
    turns: Any
    grey: Any
    blur: Any
    sigma: Any
    solarize: Any


def make_view(images, recipe: ViewRecipe, seed, example_numbers, peer: int, view: int, size: int | None = None):
    """One random view of every image.

    A row depends on its image, seed, example number, peer and view alone, not on the rest of the batch or on the device.

    Args:
        images: uint8 [B, H, W, 3]; H and W are known when the graph is built.
        recipe: of one view, if view a and view b differ (`ViewRecipe.of_view`).
        seed, peer, view: int or integer scalar.
        example_numbers: int64 [B], counted over all devices and epochs.
        size: side of the views; None: that of the images, which are square then.
    Returns:
        float32 [B, size, size, 3] in 0..255.
    Raises:
        InputError: images of another kind, or a recipe of two different views.
    """
    images = tf.convert_to_tensor(images)
    return _make(images, recipe, seed, example_numbers, peer, view, _check_images(images, size), cropped=False)


def finish_view(crops, recipe: ViewRecipe, seed, example_numbers, peer: int, view: int):
    """`make_view` of images whose crops were cut out and resized before, uint8 [B, size, size, 3]: flip, colour, blur."""
    crops = tf.convert_to_tensor(crops)
    return _make(crops, recipe, seed, example_numbers, peer, view, _check_images(crops, None), cropped=True)


def _make(images, recipe, seed, example_numbers, peer, view, size: int, cropped: bool):
    if recipe.of_view(0) != recipe.of_view(1):
        raise InputError("recipe: view a and view b differ in it; expected recipe.of_view(0) or recipe.of_view(1)")
    recipe = recipe.of_view(0)
    words = [counter_rng.to_word(number) for number in (seed, peer, view)]
    drawn = _drawing(recipe, *images.shape[1:3])(*words, tf.convert_to_tensor(example_numbers, tf.int64))
    if _only_cpus():
        return _compiled(recipe, size, cropped)(images, drawn)
    return apply(recipe, size, images, drawn, cropped)


def draw(recipe: ViewRecipe, height: int, width: int, u) -> ViewParameters:
    """Turns uniform numbers, float32 [B, UNIFORMS], into the parameters of views of images of height x width pixels."""
    crop, (flip, jitter, brightness, contrast, saturation, hue, turns, grey, blur, sigma, solarize) = (
        u[:, : augment.CROP_UNIFORMS],
        tf.unstack(u[:, augment.CROP_UNIFORMS :], axis=1),
    )

    def factor(strength, u):
        return _between((max(0.0, 1.0 - strength), 1.0 + strength), u)

    return ViewParameters(
        boxes=augment.crop_boxes(crop, height, width, recipe.crop_area, recipe.crop_aspect),
        flip=flip < recipe.flip_probability,
        jitter=jitter < recipe.jitter_probability,
        brightness=factor(recipe.brightness, brightness),
        contrast=factor(recipe.contrast, contrast),
        saturation=factor(recipe.saturation, saturation),
        hue=_between((-recipe.hue, recipe.hue), hue),
        turns=augment.jitter_turns(turns),
        grey=grey < recipe.grey_probability,
        blur=blur < recipe.blur_probability,
        sigma=_between(recipe.blur_sigma, sigma),
        solarize=solarize < recipe.solarize_probability,
    )


def apply(recipe: ViewRecipe, size: int, images, drawn: ViewParameters, cropped: bool = False):
    """images [B, H, W, 3] in 0..255 -> their views, float32 [B, size, size, 3], with the parameters drawn for them.

    cropped: whether the images are the crops already.
    """
    planes = augment.to_planes(images)
    if cropped:
        planes = augment.flip_left_right(planes, drawn.flip)
    else:
        planes = augment.crop_and_resize(planes, drawn.boxes, drawn.flip, size)
    factors = (drawn.brightness, drawn.contrast, drawn.saturation)
    planes = augment.colour_jitter(planes, *factors, drawn.hue, drawn.turns, drawn.jitter)
    planes = augment.greyscale(planes, drawn.grey)
    if max(of_views(recipe.blur_probability)) > 0 and size >= recipe.blur_from_size:
        planes = augment.blur(planes, drawn.sigma, drawn.blur, blur_kernel_size(size))
    if max(of_views(recipe.solarize_probability)) > 0:
        planes = augment.solarize(planes, drawn.solarize)
    return augment.from_planes(planes)


def blur_kernel_size(size: int) -> int:
    """A tenth of the side, odd: 23 at 224 pixels."""
    return 2 * (size // 20) + 1


@functools.cache
def _drawing(recipe, height, width):
    """One trace serves all peers and views."""

    def drawn(seed, peer, view, example_numbers):
        return draw(recipe, height, width, counter_rng.uniform(seed, (peer, view), example_numbers, UNIFORMS))

    return tf.function(drawn, autograph=False)


@functools.cache
def _compiled(recipe, size, cropped):
    """One compilation serves all peers and views. Drawing stays outside, lest XLA draws again for every pixel."""
    return tf.function(functools.partial(apply, recipe, size, cropped=cropped), jit_compile=True, autograph=False)


def _only_cpus() -> bool:
    # On a CPU, XLA's fused loops are three times faster. Accelerators do well without, and XLA for GPUs needs CUDA files that
    # not every installation has; where the whole step is compiled, this is part of it.
    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())


def _between(bounds, u):
    return bounds[0] + (bounds[1] - bounds[0]) * u


def _check_images(images, size) -> int:
    """The side of the views."""
    shape = images.shape
    if images.dtype != tf.uint8:
        raise InputError(f"images: expected uint8 in 0..255, got {images.dtype.name}")
    if shape.rank != 4 or shape[3] != 3 or None in shape[1:]:
        raise InputError(f"images: expected shape [B, H, W, 3] with H and W known, got {shape}")
    if size is None and shape[1] != shape[2]:
        raise InputError(f"size: expected the side of the views, because the images are not square: {shape}")
    if size is not None and size < 1:
        raise InputError(f"size: expected at least 1 pixel, got {size}")
    return shape[1] if size is None else size
