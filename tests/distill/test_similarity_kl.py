import numpy as np
import oracles
import pytest

from dogo_tf.distill.similarity_kl import agreement_at_1, similarity_kl
from dogo_tf.numerics import similarity
from dogo_tf.platform.keras_compat import tf


def embeddings(count=5, student_width=4, teacher_width=6, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(count, width)) for width in (student_width,) * 2 + (teacher_width,) * 2]


@pytest.mark.parametrize("positives", [True, False])
@pytest.mark.parametrize("temperature", [0.05, 0.1, 1.0])
def test_every_anchor_has_the_divergence_of_the_papers_equation(temperature, positives):
    expected = oracles.similarity_kl(*embeddings(), temperature, positives)
    found = similarity_kl(*embeddings(), temperature, positives)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_without_positives_an_image_says_nothing_of_itself():
    student_a, student_b, teacher_a, _ = (tf.constant(x) for x in embeddings())
    with tf.GradientTape() as tape:
        tape.watch(student_b)
        losses = similarity_kl(student_a, student_b, teacher_a, teacher_a, positives=False)
        first = losses[0]
    of_rows = np.abs(tape.gradient(first, student_b)).max(axis=1)
    assert of_rows[0] == 0 and (of_rows[1:] > 0).all()
    # Nor does the teacher's own opinion of it count.
    turned = tf.concat([-teacher_a[:1], teacher_a[1:]], axis=0)
    changed = similarity_kl(student_a, student_b, teacher_a, turned, positives=False)
    np.testing.assert_allclose(changed[0], losses[0], rtol=1e-12)


def test_equal_peers_have_nothing_to_learn_from_each_other():
    student_a, student_b, _, _ = embeddings()
    a = tf.Variable(student_a)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(similarity_kl(a, student_b, student_a, student_b))
    assert abs(float(loss)) < 1e-14
    np.testing.assert_allclose(tape.gradient(loss, a), np.zeros_like(student_a), atol=1e-13)


@pytest.mark.parametrize("positives", [True, False])
def test_student_gradient_is_that_of_finite_differences_and_the_teacher_gets_none(positives):
    given = [tf.constant(x) for x in embeddings()]
    with tf.GradientTape() as tape:
        tape.watch(given)
        loss = tf.reduce_mean(similarity_kl(*given, positives=positives))
    of_a, of_b, of_teacher_a, of_teacher_b = tape.gradient(loss, given)
    arrays = embeddings()
    for position, gradient in ((0, of_a), (1, of_b)):

        def function(x, position=position):
            changed = *arrays[:position], x, *arrays[position + 1 :]
            return similarity_kl(*changed, positives=positives).numpy().mean()

        np.testing.assert_allclose(gradient, oracles.numeric_gradient(function, arrays[position]), atol=1e-8)
        assert np.abs(gradient).max() > 1e-3
    assert of_teacher_a is None and of_teacher_b is None


@pytest.mark.parametrize(
    ("given", "computed"), [("float16", "float32"), ("bfloat16", "float32"), ("float64", "float64")]
)
def test_half_precision_is_promoted_and_double_stays(given, computed):
    assert similarity_kl(*(tf.cast(x, given) for x in embeddings())).dtype == computed


def test_a_cold_temperature_stays_finite():
    """softmax().log() would be minus infinity here."""
    a, b = tf.Variable(np.eye(4, dtype=np.float32)), np.eye(4, dtype=np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(similarity_kl(a, -b, b, b, temperature=0.005))
    assert np.isfinite(loss) and float(loss) > 100
    assert np.isfinite(tape.gradient(loss, a)).all()


def test_agreement_is_the_share_of_anchors_with_the_same_nearest_image():
    eye = np.eye(4)
    assert float(agreement_at_1(eye, eye, eye, eye)) == 1
    swapped = eye[[1, 0, 2, 3]]
    assert float(agreement_at_1(eye, eye, swapped, eye)) == 0.5


@pytest.mark.parametrize("positives", [True, False])
def test_a_large_batch_is_computed_in_blocks_of_anchors(monkeypatch, positives):
    """Values, gradients and agreement are those of the whole matrix, in float32 to 1e-5."""
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        given = [tf.constant(x, dtype) for x in embeddings(count=7)]
        found = {}
        for most in (10**6, 14):  # all 7 anchors at once, or 2 of them
            monkeypatch.setattr(similarity, "MOST_SIMILARITIES", most)
            with tf.GradientTape() as tape:
                tape.watch(given)
                losses = similarity_kl(*given, positives=positives)
                loss = tf.tensordot(losses, tf.range(7, dtype=dtype), 1)
            *gradients, of_teacher_a, of_teacher_b = tape.gradient(loss, given)
            assert of_teacher_a is None and of_teacher_b is None
            found[most] = [losses, *gradients, agreement_at_1(*given)]
        for in_blocks, whole in zip(found[14], found[10**6], strict=True):
            np.testing.assert_allclose(in_blocks, whole, rtol=tolerance, atol=tolerance * np.abs(whole).max())
        assert 0 < float(found[14][-1]) < 1
    np.testing.assert_allclose(found[14][0], oracles.similarity_kl(*embeddings(count=7), 0.1, positives), rtol=1e-4)
