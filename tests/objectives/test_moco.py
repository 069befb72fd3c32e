import numpy as np
import oracles
import pytest

from dogo_tf.objectives.moco import Objective, info_nce
from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings


def rows(seed, count=4, width=6):
    return np.random.default_rng(seed).normal(size=(count, width))


@pytest.mark.parametrize("temperature", [0.07, 0.2, 1.0])
def test_every_query_has_the_loss_of_the_papers_equation(temperature):
    expected = oracles.info_nce(rows(0), rows(1), rows(2, 9), temperature)
    np.testing.assert_allclose(info_nce(rows(0), rows(1), rows(2, 9), temperature), expected, rtol=1e-12)


def test_identical_rows_give_the_logarithm_of_the_number_of_keys():
    same = np.ones((9, 3))
    np.testing.assert_allclose(info_nce(same[:4], same[:4], same), np.full(4, np.log(9 + 1)), rtol=1e-12)


def test_without_a_queue_there_is_nothing_to_mistake_the_key_for():
    np.testing.assert_array_equal(info_nce(rows(0), rows(1), np.zeros((0, 6))), np.zeros(4))


def test_the_length_of_a_row_does_not_matter():
    lengths = np.array([[0.01], [3], [1], [50]])
    longer = info_nce(rows(0) * lengths, rows(1) / lengths, 7 * rows(2, 9))
    np.testing.assert_allclose(longer, info_nce(rows(0), rows(1), rows(2, 9)), rtol=1e-12)


def test_other_queries_of_the_batch_are_no_negatives():
    alone = info_nce(rows(0)[:1], rows(1)[:1], rows(2, 9))
    np.testing.assert_allclose(info_nce(rows(0), rows(1), rows(2, 9))[:1], alone, rtol=1e-12)


def test_the_objective_is_the_mean_of_both_directions():
    a, b = Embeddings(None, rows(0), rows(9), rows(1)), Embeddings(None, rows(2), rows(9), rows(3))
    queue = rows(4, 9)
    expected = oracles.info_nce(a.z, b.target, queue, 0.3) + oracles.info_nce(b.z, a.target, queue, 0.3)
    np.testing.assert_allclose(Objective(temperature=0.3).loss(ViewEmbeddings(a, b, queue)), expected / 2, rtol=1e-12)


def test_gradient_is_that_of_finite_differences_and_none_reaches_key_and_queue():
    query, key, queue = (tf.constant(x) for x in (rows(0), rows(1), rows(2, 9)))
    with tf.GradientTape() as tape:
        tape.watch([query, key, queue])
        loss = tf.reduce_sum(info_nce(query, key, queue))
    of_query, of_key, of_queue = tape.gradient(loss, [query, key, queue])
    expected = oracles.numeric_gradient(lambda x: info_nce(x, key, queue).numpy().sum(), rows(0))
    np.testing.assert_allclose(of_query, expected, atol=1e-8)
    assert of_key is None and of_queue is None


def test_a_cold_temperature_and_opposite_rows_stay_finite():
    z = np.eye(4)
    assert np.isfinite(info_nce(z, -z, z, temperature=1e-3)).all()


def test_the_momentum_stays_what_it_is():
    assert [Objective(momentum=0.9).target_momentum(share) for share in (0.0, 0.5, 1.0)] == [0.9] * 3
