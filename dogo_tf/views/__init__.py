"""Random views of images: recipes by author, drawn on the accelerator from a counter-based generator."""

from dogo_tf.views.recipe import BYOL, BYOL_UNEQUAL, MOCO, SIMCLR, SIMSIAM, ViewRecipe
from dogo_tf.views.view import make_view

__all__ = ["BYOL", "BYOL_UNEQUAL", "MOCO", "SIMCLR", "SIMSIAM", "ViewRecipe", "make_view"]
