"""Which crops of the original pictures the views of a model are made of."""

from dogo_tf.step import checks, inputs
from dogo_tf.teacher import CachedTeacher
from dogo_tf.views.crops import CropPlan


def crop_plan(model) -> CropPlan:
    """For `dogo_tf.data.training_stream(..., crops=crop_plan(model))`: views are then cut out of the original pictures of a
    stream, not out of squares of the training size.

    model: a DoGo.
    """
    networks = [n for n in (*model.peers, *model.teachers, *model.averages) if not isinstance(n, CachedTeacher)]
    recipes = checks.recipes_with_teachers(model.view_recipes, model.peers, model.teachers, model.averages)
    wanted = inputs.wanted_views(networks, recipes, model.views)
    requests = (view for views in wanted for view in (views.a, views.b, *views.local))
    return CropPlan(tuple(dict.fromkeys(requests)), model.seed)
