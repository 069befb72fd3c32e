import numpy as np
import oracles
import pytest

from dogo_tf.numerics import similarity
from dogo_tf.objectives.simclr import nt_xent
from dogo_tf.platform.keras_compat import tf


def rows(seed, count=5, width=7):
    return np.random.default_rng(seed).normal(size=(count, width))


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_every_anchor_has_the_loss_of_the_papers_equation(temperature):
    expected = oracles.nt_xent(rows(0), rows(1), temperature)
    np.testing.assert_allclose(nt_xent(rows(0), rows(1), temperature), expected, rtol=1e-12)


def test_identical_rows_give_the_logarithm_of_the_number_of_others():
    same = np.ones((6, 3))
    np.testing.assert_allclose(nt_xent(same, same), np.full(12, np.log(11)), rtol=1e-12)


def test_the_length_of_a_row_does_not_matter():
    lengths = np.array([[0.01], [3], [1], [50], [7]])
    np.testing.assert_allclose(nt_xent(rows(0) * lengths, rows(1)), nt_xent(rows(0), rows(1)), rtol=1e-12)


def test_gradient_is_that_of_finite_differences():
    z_a, z_b = tf.constant(rows(0)), tf.constant(rows(1))
    with tf.GradientTape() as tape:
        tape.watch([z_a, z_b])
        loss = tf.reduce_mean(nt_xent(z_a, z_b))
    of_a, of_b = tape.gradient(loss, [z_a, z_b])
    np.testing.assert_allclose(
        of_a, oracles.numeric_gradient(lambda x: nt_xent(x, rows(1)).numpy().mean(), rows(0)), atol=1e-9
    )
    np.testing.assert_allclose(
        of_b, oracles.numeric_gradient(lambda x: nt_xent(rows(0), x).numpy().mean(), rows(1)), atol=1e-9
    )


@pytest.mark.parametrize(
    ("given", "computed"), [("float16", "float32"), ("bfloat16", "float32"), ("float64", "float64")]
)
def test_half_precision_is_promoted_and_double_stays(given, computed):
    z_a, z_b = tf.cast(rows(0), given), tf.cast(rows(1), given)
    loss = nt_xent(z_a, z_b)
    assert loss.dtype == computed
    exact = oracles.nt_xent(tf.cast(z_a, "float64").numpy(), tf.cast(z_b, "float64").numpy(), 0.2)
    np.testing.assert_allclose(loss, exact, rtol=1e-5)


def test_a_cold_temperature_and_opposite_rows_stay_finite():
    z = np.eye(4)
    assert np.isfinite(nt_xent(z, -z, temperature=1e-3)).all()


def test_a_zero_row_is_finite_in_value_and_gradient():
    z = tf.Variable(tf.zeros([3, 4]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(nt_xent(z, tf.constant(rows(0, 3, 4), tf.float32)))
    assert np.isfinite(loss)
    assert np.isfinite(tape.gradient(loss, z)).all()


def test_a_large_batch_is_computed_in_blocks_of_anchors(monkeypatch):
    """Values and gradients are those of the whole matrix, in float32 to 1e-5, also where blocks do not divide the anchors."""
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        given = [tf.constant(rows(seed), dtype) for seed in (0, 1)]
        found = {}
        for most in (10**6, 20):  # the 5 anchors of a view at once, or 2 of them against the 10 columns
            monkeypatch.setattr(similarity, "MOST_SIMILARITIES", most)
            with tf.GradientTape() as tape:
                tape.watch(given)
                losses = nt_xent(*given)
                loss = tf.tensordot(losses, tf.range(10, dtype=dtype), 1)
            found[most] = [losses, *tape.gradient(loss, given)]
        for in_blocks, whole in zip(found[20], found[10**6], strict=True):
            np.testing.assert_allclose(in_blocks, whole, rtol=tolerance, atol=tolerance * np.abs(whole).max())
    np.testing.assert_allclose(found[20][0], oracles.nt_xent(rows(0), rows(1), 0.2), rtol=1e-5)
