import numpy as np
import pytest

from dogo_tf.platform.keras_compat import tf
from dogo_tf.step.monitor import effective_rank, spread


@pytest.mark.parametrize("shape", [(400, 6), (6, 400)])
def test_effective_rank_is_the_participation_ratio_of_the_covariance(shape):
    z = np.random.default_rng(0).normal(size=shape) * np.linspace(0.1, 2, shape[1])
    rows = z / np.linalg.norm(z, axis=1, keepdims=True)
    eigenvalues = np.linalg.eigvalsh(np.cov(rows.T))
    np.testing.assert_allclose(
        effective_rank(tf.constant(z)), eigenvalues.sum() ** 2 / (eigenvalues**2).sum(), rtol=1e-6
    )


def test_n_equal_directions_have_rank_n():
    directions = np.concatenate([np.eye(5), -np.eye(5)])
    np.testing.assert_allclose(effective_rank(tf.constant(directions)), 5, rtol=1e-6)


def test_a_collapsed_batch_has_no_spread_and_no_rank():
    z = tf.ones([8, 4])
    assert float(spread(z)) < 1e-6 and float(effective_rank(z)) < 1.1


def test_directions_all_over_the_sphere_have_spread_one():
    z = np.random.default_rng(0).normal(size=(20_000, 8))
    np.testing.assert_allclose(spread(tf.constant(z)), 1, atol=0.01)
