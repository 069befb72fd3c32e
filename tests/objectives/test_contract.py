"""What every objective keeps: an objective is a file in dogo_tf/objectives, and this finds it there."""

import numpy as np
import pytest

from dogo_tf import objectives
from dogo_tf.platform import plugins
from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings
from dogo_tf.views.recipe import ViewRecipe

WIDTH, BATCH = 10, 6


@pytest.fixture(params=plugins.names("dogo_tf.objectives"))
def objective(request):
    return objectives.build(request.param)


@pytest.fixture
def heads(objective):
    projector = objective.projector(WIDTH)
    return projector, objective.predictor(projector.output_shape[-1])


def embed(heads, seed, dtype=tf.float32):
    projector, predictor = heads
    h = tf.random.stateless_normal([BATCH, WIDTH], [0, seed])
    z = projector(h, training=True)
    p = z if predictor is None else predictor(z, training=True)
    target = tf.random.stateless_normal(z.shape, [2, seed])
    return Embeddings(h, *(tf.cast(x, dtype) for x in (z, p, target)))


def both(a, b):
    """With a queue for those that use one."""
    return ViewEmbeddings(a, b, tf.random.stateless_normal([7, a.z.shape[1]], [3, 0]))


def test_it_brings_a_recipe_and_says_whether_it_predicts(objective, heads):
    assert isinstance(objective.view_recipe, ViewRecipe)
    assert (heads[1] is not None) == objective.has_predictor


def test_losses_come_per_anchor_and_are_symmetric_in_the_views(objective, heads):
    a, b = embed(heads, 0), embed(heads, 1)
    losses = objective.loss(both(a, b))
    assert losses.shape in ([], [BATCH], [2 * BATCH])
    assert np.isfinite(losses).all()
    np.testing.assert_allclose(tf.reduce_mean(losses), tf.reduce_mean(objective.loss(both(b, a))), rtol=1e-5)


def test_every_weight_of_the_heads_learns(objective, heads):
    weights = [weight for head in heads if head is not None for weight in head.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(objective.loss(both(embed(heads, 0), embed(heads, 1))))
    silent = [w.name for w, g in zip(weights, tape.gradient(loss, weights), strict=True) if g is None or not np.any(g)]
    assert silent == []


@pytest.mark.parametrize(
    ("given", "computed"), [("bfloat16", "float32"), ("float16", "float32"), ("float64", "float64")]
)
def test_half_precision_is_promoted_and_double_stays(objective, heads, given, computed):
    losses = objective.loss(both(embed(heads, 0, given), embed(heads, 1, given)))
    assert losses.dtype == computed
    exact = objective.loss(both(embed(heads, 0), embed(heads, 1)))
    np.testing.assert_allclose(losses, exact, rtol=0.05, atol=0.02)


def test_views_that_agree_have_a_smaller_loss(objective, heads):
    a = embed(heads, 0)
    z = tf.random.stateless_normal(a.z.shape, [1, 2])
    same, other = (Embeddings(a.h, x, x, x) for x in (z, z[::-1]))
    assert float(tf.reduce_mean(objective.loss(both(same, same)))) < float(
        tf.reduce_mean(objective.loss(both(same, other)))
    )
