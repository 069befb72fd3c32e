"""Objectives: what one peer minimises on its own, without labels. One file each: pure loss functions, then the heads.

A module holds a class `Objective` with
    has_predictor          whether p differs from z
    view_recipe            the augmentation its authors use (a dogo_tf.views.ViewRecipe)
    projector(d_h)         keras.Model [B, d_h] -> z [B, d_z]
    predictor(d_z)         keras.Model [B, d_z] -> p [B, d_z]; None without one
    loss(a, b)             Embeddings of both views -> losses per anchor [n]; their mean is the peer's loss
"""

from dogo_tf import plugins


def build(name: str):
    """The objective of that name with its authors' settings; an unknown name raises InputError with the known ones."""
    return plugins.load(__name__, name, "objective").Objective()


plugins.import_all(__name__)
