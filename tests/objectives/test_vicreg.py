import numpy as np
import oracles
import pytest

from dogo_tf.objectives.vicreg import Objective, covariance, invariance, variance
from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings


def rows(seed, spread=0.7):
    return np.random.default_rng(seed).normal(size=(6, 4)) * spread + seed


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
def test_the_terms_are_those_of_the_papers_equations(spread):
    a, b = rows(0, spread), rows(1, spread)
    np.testing.assert_allclose(invariance(a, b), oracles.vicreg_invariance(a, b), rtol=1e-12)
    np.testing.assert_allclose(variance(a), oracles.vicreg_variance(a), rtol=1e-12)
    np.testing.assert_allclose(covariance(a), oracles.vicreg_covariance(a), rtol=1e-12)


def test_the_objective_is_the_weighted_sum_of_equation_6():
    a, b = rows(0), rows(1)
    terms = (
        25 * oracles.vicreg_invariance(a, b)
        + 25 * (oracles.vicreg_variance(a) + oracles.vicreg_variance(b))
        + 1 * (oracles.vicreg_covariance(a) + oracles.vicreg_covariance(b))
    )
    both = ViewEmbeddings(Embeddings(None, a, rows(2)), Embeddings(None, b, rows(3)))
    np.testing.assert_allclose(Objective().loss(both), terms / 25, rtol=1e-12)
    np.testing.assert_allclose(Objective(25.0, 25.0, 1.0).loss(both), terms, rtol=1e-12)


def test_constant_features_lack_all_of_their_variance_but_the_root_of_epsilon():
    z = tf.Variable(tf.ones([5, 3]))
    with tf.GradientTape() as tape:
        loss = variance(z) + covariance(z)
    np.testing.assert_allclose(loss, 1 - np.sqrt(1e-4), rtol=1e-6)
    assert np.isfinite(tape.gradient(loss, z)).all()


def test_enough_variance_costs_nothing_and_has_no_gradient():
    z = tf.constant(rows(0, 50.0))
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = variance(z)
    assert float(loss) == 0.0
    np.testing.assert_array_equal(tape.gradient(loss, z), np.zeros((6, 4)))


def test_a_feature_that_repeats_another_costs_the_square_of_its_variance():
    x = np.array([3.0, -3.0, 1.0, -1.0])  # mean 0, variance 20 / 3
    np.testing.assert_allclose(covariance(np.stack([x, x], axis=1)), (20 / 3) ** 2, rtol=1e-12)
    uncorrelated = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert float(covariance(uncorrelated)) == 0.0


@pytest.mark.parametrize("term", [variance, covariance])
def test_gradients_are_those_of_finite_differences(term):
    z = tf.constant(rows(0))
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = term(z)
    expected = oracles.numeric_gradient(lambda x: term(x).numpy(), rows(0))
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(tape.gradient(loss, z), expected, atol=1e-8)


def test_both_views_get_the_gradient_of_the_invariance():
    z_a, z_b = tf.constant(rows(0)), tf.constant(rows(1))
    with tf.GradientTape() as tape:
        tape.watch([z_a, z_b])
        loss = tf.reduce_sum(invariance(z_a, z_b))
    of_a, of_b = tape.gradient(loss, [z_a, z_b])
    np.testing.assert_allclose(of_a, (rows(0) - rows(1)) * 2 / 4, rtol=1e-12)
    np.testing.assert_allclose(of_b, -of_a, rtol=1e-12)
