"""Recipes of random views, by author."""

import dataclasses
import math

from dogo_tf.errors import InputError


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


def of_views(probability) -> tuple:
    """A probability that is one number for both views, or one for each: of view a and of view b."""
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
            both = of_views(given)
            if len(both) != 2 or not all(0 <= share <= 1 for share in both):
                raise InputError(f"{name}: expected a probability, 0..1, or one for each view; got {given}")
            object.__setattr__(self, name, both if both[0] != both[1] else both[0])
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
        return dataclasses.replace(self, **{name: of_views(getattr(self, name))[view] for name in UNEQUAL})

    def for_local_views(self, share: float) -> "ViewRecipe":
        """Of local views, with this share of the global ones' side: blurred as often as both on average, not solarised."""
        return dataclasses.replace(
            self,
            crop_area=self.local_crop_area,
            blur_from_size=math.ceil(share * self.blur_from_size),
            blur_probability=sum(of_views(self.blur_probability)) / 2,
            solarize_probability=0.0,
        )


SIMCLR = ViewRecipe()
SIMSIAM = SIMCLR.scaled_jitter(0.5)
# MoCo v2: SimSiam's jitter and larger crops (its published code, --aug-plus).
MOCO = dataclasses.replace(SIMSIAM, crop_area=(0.2, 1.0))
# BYOL (appendix B), which Barlow Twins and VICReg took over, with SimCLR's blur in both views; and as published.
BYOL = dataclasses.replace(SIMSIAM, saturation=0.2)
BYOL_UNEQUAL = dataclasses.replace(BYOL, blur_probability=(1.0, 0.1), solarize_probability=(0.0, 0.2))
