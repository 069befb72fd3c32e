import numpy as np
import oracles

from dogo_tf.objectives.simsiam import Objective, negative_cosine
from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings


def rows(seed):
    return np.random.default_rng(seed).normal(size=(4, 6))


def test_every_image_has_its_negative_cosine():
    expected = [-oracles.cosine(p, z) for p, z in zip(rows(0).tolist(), rows(1).tolist(), strict=True)]
    np.testing.assert_allclose(negative_cosine(rows(0), rows(1)), expected, rtol=1e-12)


def test_gradient_is_that_of_finite_differences_and_none_reaches_z():
    p, z = tf.constant(rows(0)), tf.constant(rows(1))
    with tf.GradientTape() as tape:
        tape.watch([p, z])
        loss = tf.reduce_sum(negative_cosine(p, z))
    of_p, of_z = tape.gradient(loss, [p, z])
    expected = oracles.numeric_gradient(lambda x: negative_cosine(x, rows(1)).numpy().sum(), rows(0))
    np.testing.assert_allclose(of_p, expected, atol=1e-8)
    assert of_z is None


def test_the_objectives_gradient_is_exact_also_for_rows_of_length_one():
    p = rows(0) / np.linalg.norm(rows(0), axis=1, keepdims=True)

    def loss(p_a):
        a, b = Embeddings(None, rows(2), p_a), Embeddings(None, rows(1), rows(3))
        return tf.reduce_sum(Objective().loss(ViewEmbeddings(a, b)))

    variable = tf.Variable(p)
    with tf.GradientTape() as tape:
        value = loss(variable)
    np.testing.assert_allclose(
        tape.gradient(value, variable), oracles.numeric_gradient(lambda x: loss(x).numpy(), p), atol=1e-8
    )


def test_the_objective_is_the_mean_of_both_directions():
    a, b = Embeddings(None, rows(0), rows(1)), Embeddings(None, rows(2), rows(3))
    expected = (negative_cosine(a.p, b.z) + negative_cosine(b.p, a.z)) / 2
    np.testing.assert_allclose(Objective().loss(ViewEmbeddings(a, b)), expected, rtol=1e-12)


def test_half_precision_is_promoted():
    loss = negative_cosine(tf.cast(rows(0), "float16"), tf.cast(rows(1), "float16"))
    assert loss.dtype == tf.float32
