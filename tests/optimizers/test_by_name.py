import numpy as np
import pytest

from dogo_tf import optimizers
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf


def weights(seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(4, 3)), rng.normal(size=(3,))]


def train(optimizer, steps=3):
    """The weights after steps on the loss sum(w**3) / 3, whose gradient is w**2."""
    variables = [tf.Variable(w, name=name) for w, name in zip(weights(), ("kernel", "bias"), strict=True)]
    for _ in range(steps):
        optimizer.apply_gradients([(v**2, v) for v in variables])
    return [v.numpy() for v in variables]


def test_adam_is_pytorchs_with_l2_in_the_gradient_of_kernels():
    rate, l2 = 0.01, 0.1
    result = train(optimizers.build("adam", rate, l2))
    for start, ours, decay in zip(weights(), result, (l2, 0.0), strict=True):
        w, m, v = start.copy(), 0.0, 0.0
        for step in range(1, 4):
            gradient = w**2 + decay * w
            m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
            w = w - rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        np.testing.assert_allclose(ours, w, atol=5e-6)


def test_adamw_decays_weights_beside_the_gradient_and_leaves_biases_out():
    kernel, bias = train(optimizers.build("adamw", 0.01, 0.1), steps=1)
    no_kernel, no_bias = train(optimizers.build("adamw", 0.01, 0.0), steps=1)
    np.testing.assert_allclose(no_kernel - kernel, 0.01 * 0.1 * weights()[0], atol=1e-7)
    np.testing.assert_array_equal(bias, no_bias)


def test_sgd_has_momentum_and_l2_in_the_gradient_of_kernels():
    rate, l2 = 0.01, 0.1
    result = train(optimizers.build("sgd", rate, l2))
    for start, ours, decay in zip(weights(), result, (l2, 0.0), strict=True):
        w, velocity = start.copy(), 0.0
        for _ in range(3):
            velocity = 0.9 * velocity + w**2 + decay * w
            w = w - rate * velocity
        np.testing.assert_allclose(ours, w, rtol=1e-6)


def test_lars_adapts_kernels_by_their_norms_and_leaves_biases_alone():
    rate, l2, trust = 0.5, 0.1, 1e-3
    result = train(optimizers.build("lars", rate, l2))
    for start, ours, adapted in zip(weights(), result, (True, False), strict=True):
        w, velocity = start.copy(), 0.0
        for _ in range(3):
            gradient = w**2 + l2 * w if adapted else w**2
            scale = trust * np.linalg.norm(w) / np.linalg.norm(gradient) if adapted else 1.0
            velocity = 0.9 * velocity + rate * scale * gradient
            w = w - velocity
        np.testing.assert_allclose(ours, w, rtol=1e-6)


def test_lars_moves_a_kernel_of_zeros():
    variable = tf.Variable(tf.zeros([2, 2]))
    optimizers.build("lars", 0.1, 0.0).apply_gradients([(tf.ones([2, 2]), variable)])
    np.testing.assert_allclose(variable, -0.1 * np.ones((2, 2)), rtol=1e-6)


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_clones_train_like_the_original_and_share_nothing(name):
    original = optimizers.build(name, 0.01, 0.1)
    first, second = optimizers.one_per_peer(original, [_Peer(), _Peer()])
    assert first is not second and original not in (first, second)
    results = [train(first), train(second), train(original)]
    for result in results[:2]:
        for ours, theirs in zip(result, results[2], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_cosine_schedule_rises_to_the_rate_and_falls_to_zero():
    schedule = optimizers.schedule("cosine", 0.5, total_steps=100, warmup_steps=20)
    values = [float(schedule(step)) for step in (0, 10, 20, 60, 100)]
    np.testing.assert_allclose(values, [0, 0.25, 0.5, 0.25, 0], atol=1e-6)


def test_wsd_rises_stays_and_falls_as_one_minus_the_root():
    schedule = optimizers.schedule("wsd", 0.5, total_steps=100, warmup_steps=20, cooldown=0.25)
    values = [float(schedule(step)) for step in (0, 10, 20, 50, 75, 84, 91, 100, 200)]
    np.testing.assert_allclose(values, [0, 0.25, 0.5, 0.5, 0.5, 0.2, 0.1, 0, 0], atol=1e-6)
    clone = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    assert float(clone(84)) == pytest.approx(0.2)
    longer = optimizers.schedule("wsd", 0.5, total_steps=1000, warmup_steps=20, cooldown=0.25)
    assert [float(longer(step)) for step in (10, 75)] == [0.25, 0.5]
    assert float(optimizers.schedule("wsd", 0.5, total_steps=10)(0)) == 0.5


def test_constant_schedule_stays_after_the_warm_up():
    schedule = optimizers.schedule("constant", 0.5, total_steps=100, warmup_steps=20)
    np.testing.assert_allclose([float(schedule(step)) for step in (0, 10, 20, 100)], [0, 0.25, 0.5, 0.5], atol=1e-6)
    assert optimizers.schedule("constant", 0.5, total_steps=100) == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: optimizers.build("adma", 0.1, 0.0),
            "unknown optimizer 'adma'; known: adam, adamw, lamb, lars, sgd, tfa:<Name>",
        ),
        (lambda: optimizers.build("adam", 0.1, -1), "weight_decay: expected a number >= 0, got -1"),
        (lambda: optimizers.schedule("cosin", 0.1, 10), "unknown schedule 'cosin'; known: constant, cosine, wsd"),
        (lambda: optimizers.schedule("cosine", 0, 10), "learning_rate: expected a number above 0, got 0"),
        (lambda: optimizers.schedule("cosine", 0.1, 10, 11), r"expected 0 to 10 steps \(the whole run\), got 11"),
    ],
)
def test_unusable_settings_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


class _Peer(keras.Model):
    """A peer without layers: full precision."""
