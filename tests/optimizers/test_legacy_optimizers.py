"""Keras' older optimizers (keras.optimizers.legacy; all of tensorflow-addons) train, resume and are watched like others."""

import numpy as np
import pytest
from equality import BATCH
from resumption import IMAGES, assert_a_resumed_run_ends_like_a_whole_one, model, train

from dogo_tf import optimizers
from dogo_tf.platform.keras_compat import keras

legacy = keras.optimizers.legacy


@pytest.fixture
def policy():
    before = keras.mixed_precision.global_policy()
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy(before)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_a_resumed_run_ends_like_one_that_was_not_interrupted(policy, precision, tmp_path):
    policy(precision)
    schedule = optimizers.schedule("cosine", 0.01, total_steps=4)

    def make():
        return [legacy.Adam(schedule), legacy.SGD(0.01, momentum=0.9)]

    whole = assert_a_resumed_run_ends_like_a_whole_one(make, tmp_path)
    wrapped = [isinstance(o, keras.mixed_precision.LossScaleOptimizer) for o in whole.peer_optimizers]
    assert wrapped == [precision == "mixed_float16"] * 2


@pytest.mark.slow
def test_a_learning_rate_callback_reaches_the_clones_of_every_peer():
    made = model([legacy.SGD(0.1), legacy.SGD(0.1)])
    made.compile(legacy.SGD(0.1))
    before = [weight.numpy() for weight in made.trainable_variables]
    made.fit(IMAGES, batch_size=BATCH, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda *_: 0.0)])
    for weight, old in zip(made.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(weight, old)
    assert [optimizers.learning_rate(o) for o in made.peer_optimizers] == [0.0, 0.0]


@pytest.mark.parametrize("kind", [legacy.SGD, pytest.param(keras.optimizers.SGD, marks=pytest.mark.slow)])
def test_the_learning_rate_told_is_that_of_the_last_step(kind):
    schedule = optimizers.schedule("constant", 0.1, total_steps=4, warmup_steps=2)
    made = model([kind(schedule)])
    rates = []
    for step in range(3):
        train(made, step, step + 1)
        rates.append(optimizers.learning_rate(made.peer_optimizers[0]))
    assert rates == pytest.approx([0.0, 0.05, 0.1])
