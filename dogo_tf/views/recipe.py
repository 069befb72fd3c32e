"""uint8 images -> random views, by a recipe, as a pure function of (seed, example number, peer, view)."""

import dataclasses
import functools
import math
from typing import Any, NamedTuple

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf
from dogo_tf.views import augment, counter_rng

UNIFORMS = 32  # random numbers that a view takes


def _check_range(name, value, below, above) -> None:
    kind = f"above {below:g}" + ("" if above is None else f" and at most {above:g}")
    try:
        low, high = value
        fine = below < low <= high < float("inf") and (above is None or high <= above)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise InputError(f"{name}: expected (smallest, largest), {kind}; got {value}")


@dataclasses.dataclass(frozen=True)
class ViewRecipe:
    """What happens to an image, in this order: crop and resize, flip, colour jitter, greyscale, blur.

    Each range is (smallest, largest). The defaults are SimCLR's for small images (Chen et al., 2020, appendix A and B.9).

    Attributes:
        crop_area: share of the image's area that is kept, within 0..1. crop_aspect: width / height of the crop.
        flip_probability: of a left-right flip.
        brightness, contrast, saturation: strength s; the factor is uniform in [max(0, 1 - s), 1 + s].
        hue: largest shift in turns of the colour wheel, 0..0.5.
        jitter_probability: of the four of them, in a random order. grey_probability: of losing all colour.
        blur_probability: of a Gaussian blur; its window is a tenth of the side, as 23 pixels at 224.
        blur_sigma: its standard deviation in pixels, uniform.
        blur_from_size: views of a smaller side are never blurred.
        local_crop_area: as crop_area, of local views, where there are any (multi-crop).
    """

    crop_area: tuple[float, float] = (0.08, 1.0)
    crop_aspect: tuple[float, float] = (3 / 4, 4 / 3)
    flip_probability: float = 0.5
    brightness: float = 0.8
    contrast: float = 0.8
    saturation: float = 0.8
    hue: float = 0.2
    jitter_probability: float = 0.8
    grey_probability: float = 0.2
    blur_probability: float = 0.5
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    blur_from_size: int = 224
    local_crop_area: tuple[float, float] = (0.05, 0.3)

    def __post_init__(self):
        most = {"crop_area": 1.0, "crop_aspect": None, "blur_sigma": None, "local_crop_area": 1.0}
        for name, above in most.items():
            _check_range(name, getattr(self, name), 0.0, above)
            object.__setattr__(self, name, tuple(getattr(self, name)))  # hashable, should it have been a list
        for name in ("flip_probability", "jitter_probability", "grey_probability", "blur_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}: expected a probability, 0..1; got {getattr(self, name)}")
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{name}: expected a strength of at least 0; got {getattr(self, name)}")
        if not 0 <= self.hue <= 0.5:
            raise InputError(f"hue: expected at most half a turn of the colour wheel, 0..0.5; got {self.hue}")

    def scaled_jitter(self, strength: float) -> "ViewRecipe":
        """The recipe with `strength` times its brightness, contrast, saturation and hue."""
        names = ("brightness", "contrast", "saturation", "hue")
        return dataclasses.replace(self, **{name: strength * getattr(self, name) for name in names})

    def for_local_views(self, share: float) -> "ViewRecipe":
        """The recipe for local views whose side has this share of the global ones': they are blurred where those are."""
        return dataclasses.replace(
            self, crop_area=self.local_crop_area, blur_from_size=math.ceil(share * self.blur_from_size)
        )


SIMCLR = ViewRecipe()
SIMSIAM = SIMCLR.scaled_jitter(0.5)
# MoCo v2: SimSiam's jitter and larger crops (its published code, --aug-plus).
MOCO = dataclasses.replace(SIMSIAM, crop_area=(0.2, 1.0))
# BYOL (appendix B), which Barlow Twins and VICReg took over; without solarisation, and with SimCLR's blur in both views.
BYOL = dataclasses.replace(SIMSIAM, saturation=0.2)


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


def make_view(images, recipe: ViewRecipe, seed, example_numbers, peer: int, view: int, size: int | None = None):
    """One random view of every image.

    A row depends on its image, seed, example number, peer and view alone, not on the rest of the batch or on the device.

    Args:
        images: uint8 [B, H, W, 3]; H and W are known when the graph is built.
        seed, peer, view: int or integer scalar.
        example_numbers: int64 [B], counted over all devices and epochs.
        size: side of the views; None: that of the images, which are square then.
    Returns:
        float32 [B, size, size, 3] in 0..255.
    Raises:
        InputError: images of another kind.
    """
    images = tf.convert_to_tensor(images)
    return _make(images, recipe, seed, example_numbers, peer, view, _check_images(images, size), cropped=False)


def finish_view(crops, recipe: ViewRecipe, seed, example_numbers, peer: int, view: int):
    """`make_view` of images whose crops were cut out and resized before, uint8 [B, size, size, 3]: flip, colour, blur."""
    crops = tf.convert_to_tensor(crops)
    return _make(crops, recipe, seed, example_numbers, peer, view, _check_images(crops, None), cropped=True)


def _make(images, recipe, seed, example_numbers, peer, view, size: int, cropped: bool):
    example_numbers = tf.convert_to_tensor(example_numbers, tf.int64)
    u = counter_rng.uniform(seed, (peer, view), example_numbers, UNIFORMS)
    drawn = draw(recipe, images.shape[1], images.shape[2], u)
    if _only_cpus():
        return _compiled(recipe, size, cropped)(images, drawn)
    return apply(recipe, size, images, drawn, cropped)


def draw(recipe: ViewRecipe, height: int, width: int, u) -> ViewParameters:
    """Turns uniform numbers, float32 [B, UNIFORMS], into the parameters of views of images of height x width pixels."""
    crop, (flip, jitter, brightness, contrast, saturation, hue, turns, grey, blur, sigma) = (
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
    if recipe.blur_probability > 0 and size >= recipe.blur_from_size:
        planes = augment.blur(planes, drawn.sigma, drawn.blur, blur_kernel_size(size))
    return augment.from_planes(planes)


def blur_kernel_size(size: int) -> int:
    """A tenth of the side, odd: 23 at 224 pixels."""
    return 2 * (size // 20) + 1


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
