"""Losses of labels, and of another's answers: their equations, their gradients, what all of them keep."""

import numpy as np
import pytest

from dogo_tf.finetuning.losses import cross_entropy, generalised_cross_entropy
from dogo_tf.finetuning.teaching import class_kl
from dogo_tf.platform import plugins
from dogo_tf.platform.keras_compat import tf

LOGITS = tf.constant(np.random.default_rng(0).normal(0, 2, (6, 4)))
LABELS = tf.constant([0, 1, 2, 3, 1, 1])


def softmax(row):
    return np.exp(row) / np.exp(row).sum()


def test_cross_entropy_is_minus_the_logarithm():
    expected = [-np.log(softmax(row)[label]) for row, label in zip(LOGITS.numpy(), LABELS.numpy(), strict=True)]
    np.testing.assert_allclose(cross_entropy.loss(LOGITS, LABELS), expected)


@pytest.mark.parametrize("q", [0.3, 0.7, 1.0])
def test_generalised_cross_entropy_is_the_papers(q):
    expected = [(1 - softmax(row)[label] ** q) / q for row, label in zip(LOGITS.numpy(), LABELS.numpy(), strict=True)]
    np.testing.assert_allclose(generalised_cross_entropy.loss(LOGITS, LABELS, q), expected)


def test_its_gradient_is_that_of_cross_entropy_times_the_labels_probability():
    def gradient(function):
        with tf.GradientTape() as tape:
            tape.watch(LOGITS)
            total = tf.reduce_sum(function(LOGITS, LABELS))
        return tape.gradient(total, LOGITS).numpy()

    p = np.array([softmax(row)[label] for row, label in zip(LOGITS.numpy(), LABELS.numpy(), strict=True)])
    expected = p[:, None] ** generalised_cross_entropy.Q * gradient(cross_entropy.loss)
    np.testing.assert_allclose(gradient(generalised_cross_entropy.loss), expected)


@pytest.mark.parametrize("name", plugins.names("dogo_tf.finetuning.losses"))
def test_every_loss_is_least_where_the_label_is_certain(name):
    loss = plugins.load("dogo_tf.finetuning.losses", name, "loss").loss
    certain = 50 * tf.one_hot(LABELS, 4, dtype=tf.float64)
    np.testing.assert_allclose(loss(certain, LABELS), np.zeros(6), atol=1e-9)
    values = loss(tf.cast(LOGITS, tf.float32), LABELS)
    assert values.shape == (6,) and values.dtype == tf.float32 and (values.numpy() > 0).all()
    impossible = -500 * tf.one_hot(LABELS, 4)
    assert np.isfinite(loss(impossible, LABELS).numpy()).all()


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_divergence_is_that_of_the_class_probabilities(temperature):
    teacher = tf.constant(np.random.default_rng(1).normal(size=(6, 4)))
    expected = []
    for theirs, ours in zip(teacher.numpy() / temperature, LOGITS.numpy() / temperature, strict=True):
        p, q = softmax(theirs), softmax(ours)
        expected.append(sum(p * np.log(p / q)))
    np.testing.assert_allclose(class_kl(LOGITS, teacher, temperature), expected)
    np.testing.assert_allclose(class_kl(LOGITS, LOGITS + 7, temperature), np.zeros(6), atol=1e-12)


def test_no_gradient_reaches_the_teacher():
    teacher = tf.Variable(LOGITS + 1.0 * tf.one_hot(LABELS, 4, dtype=tf.float64))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(LOGITS)
        total = tf.reduce_sum(class_kl(LOGITS, teacher))
    assert tape.gradient(total, teacher) is None
    assert np.abs(tape.gradient(total, LOGITS)).max() > 0.01
