"""What the queue holds and in which order; test_collectives.py has it on several replicas."""

import numpy as np
import pytest
from equality import SIZE, encoder, small

import dogo_tf
from dogo_tf.objectives._embedding_queue import EmbeddingQueue
from dogo_tf.platform.keras_compat import keras, tf


def unit(seed, *shape):
    x = np.random.default_rng(seed).normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def test_it_starts_with_random_directions():
    rows = EmbeddingQueue(500, 3).rows.numpy()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), np.ones(500), rtol=1e-6)
    assert np.abs(rows.mean(0)).max() < 0.15  # in all directions: the standard error is 0.026


def test_the_newest_come_first_and_the_oldest_go():
    queue, before = EmbeddingQueue(5, 3), None
    before = queue.rows.numpy()
    queue.push(unit(1, 2, 3))
    np.testing.assert_allclose(queue.rows, [*unit(1, 2, 3), *before[:3]], rtol=1e-6)
    queue.push(unit(2, 2, 3))
    np.testing.assert_allclose(queue.rows, [*unit(2, 2, 3), *unit(1, 2, 3), before[0]], rtol=1e-6)


@pytest.mark.parametrize("count", [5, 8])
def test_as_many_rows_as_it_holds_or_more_leave_nothing_of_before(count):
    queue = EmbeddingQueue(5, 3)
    queue.push(unit(1, count, 3))
    np.testing.assert_allclose(queue.rows, unit(1, count, 3)[:5], rtol=1e-6)


def test_several_rows_of_an_image_stay_together():
    queue = EmbeddingQueue(6, 3)
    rows = unit(1, 3, 2, 3)
    queue.push(rows)
    np.testing.assert_allclose(queue.rows, rows.reshape(6, 3), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_rows_of_any_length_are_kept_at_length_one_in_float32(dtype):
    queue = EmbeddingQueue(2, 3)
    queue.push(tf.constant([[2.0, 0, 0], [0, 0, -0.5]], dtype))
    np.testing.assert_array_equal(queue.rows, [[1, 0, 0], [0, 0, -1]])
    assert queue.rows.dtype == tf.float32


def test_it_is_kept_but_not_trained():
    queue = EmbeddingQueue(4, 3)
    assert queue.trainable_variables == [] and [v is queue.rows for v in queue.variables] == [True]


def test_moco_fills_it_with_the_targets_of_both_views_after_each_step():
    peer = dogo_tf.Peer(encoder("peer", 6, "relu"), small("moco"))
    assert any(variable is peer.queue.rows for variable in peer.variables)  # which are what a checkpoint keeps
    dogo = dogo_tf.DoGo([peer])
    dogo.compile(keras.optimizers.SGD(0.1))
    start = peer.queue.rows.numpy()
    a, b = np.random.default_rng(0).uniform(0, 255, (2, 6, SIZE, SIZE, 3)).astype(np.float32)
    both = peer.embed(dogo_tf.Views(a, b), training=True)
    np.testing.assert_array_equal(both.queue, start)  # the step compares with earlier steps alone
    expected = np.stack([both.a.target, both.b.target], axis=1).reshape(12, -1)
    dogo.fit(tf.data.Dataset.from_tensors(dogo_tf.Views(a, b)), verbose=0)
    rows = peer.queue.rows.numpy()
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(rows[:12], expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(rows[12:], start[:-12])


def test_both_views_of_an_image_stay_together():
    queue, a, b = EmbeddingQueue(6, 3), unit(1, 3, 3), unit(2, 3, 3)
    queue.push_both(a, b)
    np.testing.assert_array_equal(queue.rows, pushed(np.stack([a, b], axis=1)))


def pushed(rows):
    queue = EmbeddingQueue(6, 3)
    queue.push(rows)
    return queue.rows.numpy()
