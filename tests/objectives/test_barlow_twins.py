import numpy as np
import oracles
import pytest

from dogo_tf.objectives.barlow_twins import EPSILON, Objective, cross_correlation, redundancy
from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings

# Two features of mean 0 and variance 1 that are uncorrelated.
PLAIN = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def rows(seed, spread=100.0):
    """Features of such a variance that epsilon is nothing beside it; in view b their mean is another."""
    return np.random.default_rng(seed).normal(size=(7, 4)) * spread + 5 * spread * seed


@pytest.mark.parametrize("off_diagonal", [0.0, 5e-3, 1.0])
def test_the_batch_has_the_loss_of_the_papers_equation(off_diagonal):
    expected = oracles.redundancy(rows(0), rows(1), off_diagonal)
    np.testing.assert_allclose(redundancy(rows(0), rows(1), off_diagonal), expected, rtol=1e-7)


def test_correlations_are_those_of_numpy():
    expected = np.corrcoef(rows(0).T, rows(1).T)[:4, 4:]
    np.testing.assert_allclose(cross_correlation(rows(0), rows(1)), expected, atol=1e-8)


def test_views_that_agree_in_features_that_do_not_cost_nothing_but_epsilon():
    np.testing.assert_allclose(cross_correlation(PLAIN, PLAIN), np.eye(2) / (1 + EPSILON), atol=1e-12)
    np.testing.assert_allclose(redundancy(PLAIN, PLAIN), (EPSILON / (1 + EPSILON)) ** 2, rtol=1e-5)


def test_opposite_views_cost_four_and_equal_features_cost_lambda():
    np.testing.assert_allclose(redundancy(1e3 * PLAIN, -1e3 * PLAIN), 4.0, rtol=1e-9)
    twice = 1e3 * PLAIN[:, [0, 0]]
    np.testing.assert_allclose(redundancy(twice, twice, off_diagonal=0.3), 0.3, rtol=1e-6)


def test_constant_features_correlate_with_nothing_and_stay_finite():
    z = tf.Variable(tf.ones([4, 3]))
    with tf.GradientTape() as tape:
        loss = redundancy(z, z)
    assert float(loss) == 1.0
    assert np.isfinite(tape.gradient(loss, z)).all()


def test_gradients_are_those_of_finite_differences():
    a, b = rows(0, 1.0), rows(1, 1.0)
    z_a, z_b = tf.constant(a), tf.constant(b)
    with tf.GradientTape() as tape:
        tape.watch([z_a, z_b])
        loss = redundancy(z_a, z_b, 0.5)
    of_a, of_b = tape.gradient(loss, [z_a, z_b])
    np.testing.assert_allclose(of_a, oracles.numeric_gradient(lambda x: redundancy(x, b, 0.5).numpy(), a), atol=1e-8)
    np.testing.assert_allclose(of_b, oracles.numeric_gradient(lambda x: redundancy(a, x, 0.5).numpy(), b), atol=1e-8)


def test_the_objective_compares_the_projections_with_its_own_lambda():
    a, b = (Embeddings(None, rows(k), rows(k + 2)) for k in (0, 1))
    np.testing.assert_allclose(
        Objective(off_diagonal=0.7).loss(ViewEmbeddings(a, b)), redundancy(a.z, b.z, 0.7), rtol=1e-12
    )
