"""Models and data that cannot work are refused before the first step, by a message that says what would."""

import numpy as np
import pytest
from small_dogo import SIZE, called, dataset, images, model, peers, subclassed

import dogo_tf
from dogo_tf.platform.keras_compat import keras, tf

BAD_MODELS = {
    "no peers": (lambda: dogo_tf.DoGo([]), "peers: expected at least one dogo_tf.Peer"),
    "same names": (lambda: dogo_tf.DoGo(peers("simclr") * 2), r"expected different names; got \['peer_0', 'peer_0'\]"),
    "views": (lambda: model("simclr", views="both"), "views: expected 'independent' or 'shared', got 'both'"),
    "temperature": (
        lambda: model("simclr", distill_temperature=0),
        "distill_temperature: expected a number above 0, got 0",
    ),
    "objective": (
        lambda: dogo_tf.Peer("wrn_10_1", "simklr"),
        "unknown objective 'simklr'; known: barlow_twins, .*simclr, simsiam",
    ),
    "encoder": (
        lambda: dogo_tf.Peer("wrn", "simclr"),
        "unknown encoder 'wrn'; known: .*resnet_18, .*wrn_<depth>",
    ),
    "depth": (lambda: dogo_tf.Peer("wrn_11_2"), r"depth 6n \+ 4 .* got depth 11, width 2"),
    "tiny": (lambda: dogo_tf.Peer("wrn_10_1", image_size=4), "image_size: expected at least 8 pixels, got 4"),
    "no pooling": (
        lambda: dogo_tf.Peer(keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])),
        r"gives output of shape \(None, 6, 6, 4\); add global average pooling",
    ),
    "subclass": (
        lambda: dogo_tf.Peer(called(subclassed(), np.zeros((2, SIZE, SIZE, 3), np.float32))),
        r"is not built for one image input; call it on keras.Input\(\(side, side, 3\)\) first",
    ),
    "not a model": (lambda: dogo_tf.Peer(42), "expected a name or a keras.Model .* got builtins.int"),
    "optimizers": (
        lambda: model("simclr", "simclr", optimizer=[keras.optimizers.SGD(0.1)]),
        "one optimizer or a list of 2 different ones, one for each peer; got 1",
    ),
    "same optimizer": (
        lambda: model("simclr", "simclr", optimizer=[keras.optimizers.SGD(0.1)] * 2),
        "some of them the same object",
    ),
    "averages": (
        lambda: model("simclr", "simclr", optimizer=keras.optimizers.Adam(1e-2, use_ema=True)),
        "optimizer: expected one without use_ema=True; at the end of fit Keras puts the averages in the place",
    ),
    "averages of one peer": (
        lambda: model(
            "simclr",
            "simclr",
            optimizer=[
                keras.optimizers.SGD(0.1),
                keras.mixed_precision.LossScaleOptimizer(
                    keras.optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2)
                ),
            ],
        ),
        "optimizer: expected one without use_ema=True",
    ),
}


@pytest.mark.parametrize("case", BAD_MODELS)
def test_a_model_that_cannot_work_is_refused(case):
    make, message = BAD_MODELS[case]
    with pytest.raises(dogo_tf.InputError, match=message):
        make()


BAD_DATA = {
    "floats of 0..255": (images().astype(np.float32), "expected a NumPy array uint8 .* convert it with"),
    "floats of 0..1": (images() / 255, r"\(255 \* images\)"),
    "size": (np.zeros((4, 9, 9, 3), np.uint8), r"shape \[B, 8, 8, 3\], as the peers take; got \(4, 9, 9, 3\)"),
    "grey": (np.zeros((4, 8, 8, 1), np.uint8), r"got shape \[4, 8, 8, 1\]"),
    "text": ("images.npy", "expected uint8 images .* got str"),
    "float dataset": (
        dataset().map(lambda x: tf.cast(x, tf.float32)),
        r"got float32; if they are floats of 0..255, use dataset.map\(lambda x, \*y",
    ),
    "uint8 views": (dogo_tf.Views(images(), images()), "ready-made views: float images in 0..255; got uint8"),
    "wrong names": (
        tf.data.Dataset.from_tensors({"a": dogo_tf.Views(images() / 1, images() / 1)}),
        r"one dogo_tf.Views for each of the peers \['peer_0'\]; got \['a'\]",
    ),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_data_that_cannot_be_trained_on_is_refused(case):
    data, message = BAD_DATA[case]
    with pytest.raises(dogo_tf.InputError, match=message):
        model("simclr").fit(data, verbose=0)


def test_bad_batches_of_a_generator_are_refused_too():
    batches = (images().astype(np.float32) for _ in range(2))
    with pytest.raises(dogo_tf.InputError, match="expected uint8 images in 0..255; got float32"):
        model("simclr").fit(batches, verbose=0)


@pytest.mark.parametrize("labels", [(), (np.zeros(32),)])
def test_the_advice_for_a_data_set_of_floats_works(labels):
    floats = tf.data.Dataset.from_tensor_slices((images().astype(np.float32), *labels)).batch(16)
    advised = floats.map(lambda x, *y: (tf.cast(x, tf.uint8), *y))
    assert np.isfinite(model("simclr").fit(advised, verbose=0).history["loss"]).all()
