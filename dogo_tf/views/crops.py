"""Crops that are cut out before the training step, where the pictures themselves are: by the boxes that the step would draw.

A step draws a view from (seed, example number, peer, view) alone, its crop by the first of the random numbers. So whoever reads
the pictures can draw the same crop, for pictures of any size, and leave the rest (flip, colour, blur) to the step.
"""

import math
from typing import NamedTuple

import numpy as np

from dogo_tf.platform.keras_compat import tf
from dogo_tf.views import augment, counter_rng
from dogo_tf.views.recipe import ViewRecipe


class ViewRequest(NamedTuple):
    """A view that somebody wants of every image: `number` (0, 1, ...) of the peer `stream`, `size` x `size` pixels."""

    stream: int
    number: int
    recipe: ViewRecipe
    size: int

    @property
    def key(self) -> str:
        """Its name among the crops of a batch."""
        return f"{self.stream}/{self.number}/{self.size}"


class CropPlan(NamedTuple):
    """Which crops the views of a model are made of. requests: different ones. seed: of the model's views."""

    requests: tuple[ViewRequest, ...]
    seed: int

    def uniforms(self, example_numbers):
        """int64 [B] -> float32 [B, views, CROP_UNIFORMS]: what the boxes of each example are drawn from."""
        drawn = [
            counter_rng.uniform(self.seed, (wanted.stream, wanted.number), example_numbers, augment.CROP_UNIFORMS)
            for wanted in self.requests
        ]
        return tf.stack(drawn, axis=1)


def box(u: np.ndarray, height: int, width: int, recipe: ViewRecipe) -> tuple[int, int, int, int]:
    """(top, left, height, width): augment.crop_boxes of one image, without TensorFlow, for threads that read files.

    u: float32 [CROP_UNIFORMS].
    """
    u = np.asarray(u, np.float64)
    attempts, (low, high) = augment.CROP_ATTEMPTS, recipe.crop_area
    log_low, log_high = (math.log(aspect) for aspect in recipe.crop_aspect)
    sides = np.sqrt((low + (high - low) * u[:attempts]) * (height * width))
    root_aspects = np.exp(0.5 * (log_low + (log_high - log_low) * u[attempts : 2 * attempts]))
    heights, widths = np.round(sides / root_aspects), np.round(sides * root_aspects)
    fits = (heights >= 1) & (heights <= height) & (widths >= 1) & (widths <= width)
    if not fits.any():
        return augment.centred_box(height, width, recipe.crop_aspect)
    first = int(np.argmax(fits))
    h, w = int(heights[first]), int(widths[first])
    return int(u[-2] * (height - h + 1)), int(u[-1] * (width - w + 1)), h, w


def smallest_side(width: int, height: int, recipe: ViewRecipe) -> float:
    """A bound: no crop of this recipe of an image of this size has a shorter side, in pixels."""
    longest = max(1 / recipe.crop_aspect[0], recipe.crop_aspect[1])
    # Of a very long image, from which no drawn box may fit, the whole shorter side is taken.
    return min(math.sqrt(height * width * recipe.crop_area[0] / longest) - 0.5, width, height)
