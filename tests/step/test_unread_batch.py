"""A batch that cannot be read: the step that wanted it changes nothing."""

import numpy as np
import pytest
from small_dogo import SIZE, encoder, images, objective

import dogo_tf
from dogo_tf.platform.keras_compat import keras, tf

BATCH = 8
READ = 2  # batches


def model(**how):
    keras.utils.set_random_seed(1)
    peers = [dogo_tf.Peer(encoder(f"peer_{k}"), objective("simclr"), name=f"peer_{k}", ema=0.9) for k in (0, 1)]
    made = dogo_tf.DoGo(peers)
    made.compile(keras.optimizers.AdamW(0.01, weight_decay=0.1), **how)
    return made


def batches(count, then_fail):
    def read(number):
        if number >= count:
            raise OSError("the disk is gone")
        return images(BATCH, seed=number)

    numbers = tf.data.Dataset.range(count + then_fail)
    data = numbers.map(lambda number: tf.numpy_function(read, [number], tf.uint8))
    return data.map(lambda batch: tf.ensure_shape(batch, [BATCH, SIZE, SIZE, 3]))


@pytest.mark.parametrize("how", [{}, pytest.param({"steps_per_execution": 3}, marks=pytest.mark.slow)])
def test_all_variables_are_those_after_the_last_whole_step(how):
    cut, whole = model(**how), model()
    with pytest.raises(tf.errors.OpError, match="the disk is gone"):
        cut.fit(batches(READ, then_fail=True), steps_per_epoch=3, verbose=0)
    whole.fit(batches(READ, then_fail=False), verbose=0)
    assert int(cut.examples_seen.numpy()) == READ * BATCH
    for ours, theirs in zip(variables(cut), variables(whole), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), err_msg=ours.name)


def variables(made):
    """Weights, what the optimisers keep, and the metrics so far."""
    metrics = [variable for metric in made.metrics for variable in metric.variables]
    return [*made.variables, *(v for optimizer in made.peer_optimizers for v in optimizer.variables), *metrics]
