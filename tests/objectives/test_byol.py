import numpy as np
import oracles
import pytest

from dogo_tf import objectives
from dogo_tf.objectives.byol import Objective, regression
from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings


def rows(seed):
    return np.random.default_rng(seed).normal(size=(4, 6))


def test_every_image_has_the_loss_of_the_papers_equation():
    expected = oracles.squared_distance_of_unit_rows(rows(0), rows(1))
    np.testing.assert_allclose(regression(rows(0), rows(1)), expected, rtol=1e-12)


def test_equal_directions_give_zero_right_angles_two_and_opposite_ones_four():
    p = np.eye(3)
    np.testing.assert_allclose(regression(p, 5 * p), np.zeros(3), atol=1e-12)
    np.testing.assert_allclose(regression(p, p[[1, 2, 0]]), np.full(3, 2.0), rtol=1e-12)
    np.testing.assert_allclose(regression(3 * p, -p), np.full(3, 4.0), rtol=1e-12)


def test_the_objective_is_the_mean_of_both_directions_and_compares_with_the_other_views_target():
    a, b = Embeddings(None, rows(0), rows(1), rows(2)), Embeddings(None, rows(3), rows(4), rows(5))
    of = oracles.squared_distance_of_unit_rows
    expected = (of(a.p, b.target) + of(b.p, a.target)) / 2
    np.testing.assert_allclose(Objective().loss(ViewEmbeddings(a, b)), expected, rtol=1e-12)


@pytest.mark.parametrize("unit", [False, True])
def test_gradient_is_that_of_finite_differences_and_none_reaches_the_target(unit):
    p = rows(0) / np.linalg.norm(rows(0), axis=1, keepdims=True) if unit else rows(0)
    p_a, target = tf.constant(p), tf.constant(rows(1))
    with tf.GradientTape() as tape:
        tape.watch([p_a, target])
        loss = tf.reduce_sum(regression(p_a, target))
    of_p, of_target = tape.gradient(loss, [p_a, target])
    expected = oracles.numeric_gradient(lambda x: regression(x, rows(1)).numpy().sum(), p)
    np.testing.assert_allclose(of_p, expected, atol=1e-8)
    assert of_target is None


@pytest.mark.parametrize("start", [0.99, 0.9])
def test_the_momentum_rises_to_one_along_half_a_cosine(start):
    objective = Objective(momentum=start)
    shares = tf.constant([0.0, 0.5, 1.0])
    np.testing.assert_allclose(objective.target_momentum(shares), [start, (1 + start) / 2, 1.0], rtol=1e-6)
    # Slowly at first: a quarter of the way, cos is still 0.7.
    quarter = 1 - (1 - start) * (np.sqrt(0.5) + 1) / 2
    np.testing.assert_allclose(objective.target_momentum(tf.constant(0.25)), quarter, rtol=1e-6)


def test_zero_rows_are_finite_in_value_and_gradient():
    p = tf.Variable(tf.zeros([2, 3]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(regression(p, tf.ones([2, 3])))
    assert float(loss) == 4.0
    assert np.isfinite(tape.gradient(loss, p)).all()


def test_the_heads_have_the_stated_widths():
    objective = objectives.build("byol")
    projector = objective.projector(64)
    assert projector.output_shape == (None, 256)
    assert [w.shape for w in projector.trainable_weights if len(w.shape) == 2] == [(64, 2048), (2048, 256)]
    predictor = objective.predictor(256)
    assert [w.shape for w in predictor.trainable_weights if len(w.shape) == 2] == [(256, 2048), (2048, 256)]
