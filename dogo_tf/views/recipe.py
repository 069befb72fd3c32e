"""uint8 images -> random views, by a recipe, as a pure function of (seed, example number, peer, view)."""

import dataclasses
import functools
import math
from typing import Any, NamedTuple

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf
from dogo_tf.views import augment, counter_rng

UNIFORMS = 33  # random numbers that a view takes


def _check_range(name, value, below, above) -> None:
    kind = f"above {below:g}" + ("" if above is None else f" and at most {above:g}")
    try:
        low, high = value
        fine = below < low <= high < float("inf") and (above is None or high <= above)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise InputError(f"{name}: expected (smallest, largest), {kind}; got {value}")


# What may differ between view a and view b.
UNEQUAL = ("blur_probability", "solarize_probability")


def _of_views(probability) -> tuple:
    return tuple(probability) if isinstance(probability, tuple | list) else (probability, probability)


@dataclasses.dataclass(frozen=True)
class ViewRecipe:
    """What happens to an image, in this order: crop and resize, flip, colour jitter, greyscale, blur, solarisation.

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
        solarize_probability: of turning values v >= 128 into 255 - v. This and blur's: one for both views, or (view a, view b).
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
    blur_probability: float | tuple[float, float] = 0.5
    blur_sigma: tuple[float, float] = (0.1, 2.0)
    blur_from_size: int = 224
    solarize_probability: float | tuple[float, float] = 0.0
    local_crop_area: tuple[float, float] = (0.05, 0.3)

    def __post_init__(self):
        most = {"crop_area": 1.0, "crop_aspect": None, "blur_sigma": None, "local_crop_area": 1.0}
        for name, above in most.items():
            _check_range(name, getattr(self, name), 0.0, above)
            object.__setattr__(self, name, tuple(getattr(self, name)))  # hashable, should it have been a list
        for name in ("flip_probability", "jitter_probability", "grey_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}: expected a probability, 0..1; got {getattr(self, name)}")
        for name in UNEQUAL:
            given = getattr(self, name)
            of_views = _of_views(given)
            if len(of_views) != 2 or not all(0 <= share <= 1 for share in of_views):
                raise InputError(f"{name}: expected a probability, 0..1, or one for each view; got {given}")
            object.__setattr__(self, name, of_views if of_views[0] != of_views[1] else of_views[0])
        for name in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{name}: expected a strength of at least 0; got {getattr(self, name)}")
        if not 0 <= self.hue <= 0.5:
            raise InputError(f"hue: expected at most half a turn of the colour wheel, 0..0.5; got {self.hue}")

    def scaled_jitter(self, strength: float) -> "ViewRecipe":
        """The recipe with `strength` times its brightness, contrast, saturation and hue."""
        names = ("brightness", "contrast", "saturation", "hue")
        return dataclasses.replace(self, **{name: strength * getattr(self, name) for name in names})

    def of_view(self, view: int) -> "ViewRecipe":
        """The recipe of view a, 0, or b, 1, alone, in which every probability is one number."""
        return dataclasses.replace(self, **{name: _of_views(getattr(self, name))[view] for name in UNEQUAL})

    def for_local_views(self, share: float) -> "ViewRecipe":
        """Of local views, with this share of the global ones' side: blurred as often as both on average, not solarised."""
        return dataclasses.replace(
            self,
            crop_area=self.local_crop_area,
            blur_from_size=math.ceil(share * self.blur_from_size),
            blur_probability=sum(_of_views(self.blur_probability)) / 2,
            solarize_probability=0.0,
        )


SIMCLR = ViewRecipe()
SIMSIAM = SIMCLR.scaled_jitter(0.5)
# MoCo v2: SimSiam's jitter and larger crops (its published code, --aug-plus).
MOCO = dataclasses.replace(SIMSIAM, crop_area=(0.2, 1.0))
# BYOL (appendix B), which Barlow Twins and VICReg took over, with SimCLR's blur in both views; and as published.
BYOL = dataclasses.replace(SIMSIAM, saturation=0.2)
BYOL_UNEQUAL = dataclasses.replace(BYOL, blur_probability=(1.0, 0.1), solarize_probability=(0.0, 0.2))


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
    example_numbers = tf.convert_to_tensor(example_numbers, tf.int64)
    u = counter_rng.uniform(seed, (peer, view), example_numbers, UNIFORMS)
    drawn = draw(recipe, images.shape[1], images.shape[2], u)
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
    if max(_of_views(recipe.blur_probability)) > 0 and size >= recipe.blur_from_size:
        planes = augment.blur(planes, drawn.sigma, drawn.blur, blur_kernel_size(size))
    if max(_of_views(recipe.solarize_probability)) > 0:
        planes = augment.solarize(planes, drawn.solarize)
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
