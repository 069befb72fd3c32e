"""The views of a fine-tuning: milder than those of pre-training, so that what is to be told apart stays visible."""

import dataclasses

from dogo_tf.views.recipe import SIMCLR, ViewRecipe

MIN_CROP_AREA, JITTER_STRENGTH = 0.4, 0.25


def recipe(min_crop_area: float = MIN_CROP_AREA, jitter_strength: float = JITTER_STRENGTH) -> ViewRecipe:
    """Crops, flips and colours. jitter_strength: 0..1.25, a factor on SimCLR's; colours are never lost altogether."""
    milder = dataclasses.replace(SIMCLR, crop_area=(min_crop_area, 1.0), grey_probability=0.0)
    return milder.scaled_jitter(jitter_strength)
