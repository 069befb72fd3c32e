"""Models and data that cannot work are refused before the first step, by a message that says what would."""

import numpy as np
import pytest
from small_dogo import SIZE, called, dataset, encoder, images, model, peers, subclassed

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
    "teach": (
        lambda: dogo_tf.DoGo([dogo_tf.Peer(encoder("peer", 6))], teach="a>b"),
        "teach: expected 'all' or a list of dogo_tf.Edge, got 'a>b'",
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
    "size": (
        np.zeros((4, 9, 7, 3), np.uint8),
        r"shape \[B, H, W, 3\], H and W at least 8, as the peers take; got \(4, 9, 7, 3\)",
    ),
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


@pytest.mark.slow
@pytest.mark.parametrize("labels", [(), (np.zeros(32),)])
def test_the_advice_for_a_data_set_of_floats_works(labels):
    floats = tf.data.Dataset.from_tensor_slices((images().astype(np.float32), *labels)).batch(16)
    advised = floats.map(lambda x, *y: (tf.cast(x, tf.uint8), *y))
    assert np.isfinite(model("simclr").fit(advised, verbose=0).history["loss"]).all()


IGNORED = {
    "loss": lambda: model("simclr").compile("adam", loss="mse"),
    "metrics": lambda: model("simclr").compile("adam", metrics=["accuracy"]),
    "sample_weight": lambda: model("simclr").fit(images(), sample_weight=np.ones(32), verbose=0),
    "class_weight": lambda: model("simclr").fit(images(), np.zeros(32), class_weight={0: 1.0}, verbose=0),
    "third part": lambda: model("simclr").fit(dataset().map(lambda x: (x, x[:, 0, 0, 0], x[:, 0, 0, 0])), verbose=0),
}


@pytest.mark.parametrize("case", IGNORED)
def test_what_would_be_ignored_is_refused(case):
    with pytest.raises(dogo_tf.InputError, match=f"{case}|{case.replace('_', ' ')}"):
        IGNORED[case]()


def test_validation_data_may_be_images_alone():
    made, others = model("simclr"), images(16, seed=1)
    for given in (others, (others,)):
        logs = made.fit(images(), validation_data=given, verbose=0).history
        for name, value in made.evaluate(others, verbose=0, return_dict=True).items():
            assert logs[f"val_{name}"] == [value]


def test_wrong_validation_data_is_told_before_the_first_epoch():
    made = model("simclr")
    for given in (images(16).astype(np.float32), (images(16).astype(np.float32), np.zeros(16))):
        with pytest.raises(
            dogo_tf.InputError, match="validation_data: x: expected a NumPy array uint8 .*, got float32"
        ):
            made.fit(images(), validation_data=given, verbose=0)
    assert int(made.examples_seen) == 0


def test_what_evaluate_returns_has_the_order_of_the_names_of_metrics():
    made = model("simclr", "simclr")
    by_name = made.evaluate(images(), verbose=0, return_dict=True)
    assert dict(zip(made.metrics_names, made.evaluate(images(), verbose=0), strict=False)) == by_name


def batches_of(count):
    """A data set whose batches' size is not known before they come."""
    return tf.data.Dataset.from_tensor_slices(images(count)).batch(4)


ONE_IMAGE = {
    "array": (lambda: images(1), {}, "x: expected at least 2 images in a batch"),
    "batch size": (lambda: images(4), {"batch_size": 1}, r"x: 4 images in batches of 1 leave a batch of one image"),
    "last batch": (
        lambda: images(9),
        {"batch_size": 4},
        r"expected at least 2 in every batch, e.g. x\[:8\] or another batch",
    ),
    "static": (
        lambda: batches_of(4).unbatch().batch(1, drop_remainder=True),
        {},
        "x: expected at least 2 images in a batch",
    ),
    "dynamic": (lambda: batches_of(1), {}, "x: expected at least 2 images in a batch"),
}


@pytest.mark.parametrize("case", ONE_IMAGE)
def test_a_batch_of_one_image_is_refused(case):
    make, options, message = ONE_IMAGE[case]
    error = tf.errors.InvalidArgumentError if case == "dynamic" else dogo_tf.InputError
    with pytest.raises(error, match=message):
        model("simclr").fit(make(), verbose=0, **options)


def test_a_file_that_could_not_be_loaded_is_not_written(tmp_path):
    made, path = model("simclr"), tmp_path / "model.keras"
    message = r"save: Keras cannot load a DoGo from a file. Save what is deployed, model.peers\[0\].encoder.save"
    for save in (
        lambda: made.save(path),
        lambda: keras.models.save_model(made, path),
        lambda: made.fit(images(), callbacks=[keras.callbacks.ModelCheckpoint(str(path))], verbose=0),
    ):
        with pytest.raises(dogo_tf.InputError, match=message):
            save()
    assert not path.exists()


@pytest.mark.slow
def test_the_ways_to_save_that_the_message_names(tmp_path):
    made, again = model("simclr", seed=3), model("simclr", seed=3)
    made.fit(images(), verbose=0)
    tf.train.Checkpoint(model=made).write(str(tmp_path / "state"))
    tf.train.Checkpoint(model=again).read(str(tmp_path / "state")).assert_consumed()
    made.fit(images(), verbose=0, shuffle=False), again.fit(images(), verbose=0, shuffle=False)
    for ours, theirs in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    made.peers[0].encoder.save(tmp_path / "small.keras")
    assert keras.models.load_model(tmp_path / "small.keras").output_shape == made.peers[0].encoder.output_shape


@pytest.mark.slow
def test_the_remedy_for_images_from_directories_works(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for k in range(4):
            keras.utils.save_img(tmp_path / label / f"{k}.png", images(1, seed=k)[0], scale=False)
    loaded = keras.utils.image_dataset_from_directory(tmp_path, image_size=(SIZE, SIZE), batch_size=4)
    with pytest.raises(dogo_tf.InputError, match=r"dataset.map\(lambda x, \*y: "):
        model("simclr").fit(loaded, verbose=0)
    model("simclr").fit(loaded.map(lambda x, *y: (tf.cast(x, tf.uint8), *y)), verbose=0)
