"""What a TPU needs of the training step, checked without one: static shapes, and operations that XLA itself has.

TensorFlow compiles the step to HLO, XLA's intermediate form, and the text is searched. It is no proof that a TPU runs it.
"""

import numpy as np
import pytest
from equality import SIZE, encoder, small
from hlo import hlo, lint

import dogo_tf
from dogo_tf import objectives
from dogo_tf.platform import plugins
from dogo_tf.platform.keras_compat import keras, tf


def images(batch=8):
    return tf.constant(np.random.default_rng(0).integers(0, 256, (batch, SIZE, SIZE, 3), dtype=np.uint8))


QUICK = ("simclr",)


@pytest.mark.parametrize(
    "objective",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in plugins.names(objectives.__name__)
    ],
)
def test_the_whole_step_with_its_augmentation_is_static(objective):
    peers = [dogo_tf.Peer(encoder(f"peer_{k}", 4, "relu"), small(objective)) for k in range(2)]
    model = dogo_tf.DoGo(peers, distill_warmup=100)
    model.compile(keras.optimizers.Adam(1e-3))
    text = hlo(model.train_step, images())
    assert "convolution" in text and len(text) > 100_000  # forward, backward and views are in it
    assert lint(text) == []


def test_the_lint_finds_what_a_tpu_could_not_run():
    assert lint(hlo(lambda x: tf.boolean_mask(x, x[:, 0, 0, 0] > 100), images()))
    assert lint("%x = f32[8]{0} custom-call(%y)")


def test_the_stream_has_static_batches():
    from dogo_tf.data.stream import training_stream

    stream = training_stream(images(20).numpy(), 8, seed=0, replicas=4, local_replicas=range(2, 4))
    assert stream.element_spec.shape == [2, SIZE, SIZE, 3]
