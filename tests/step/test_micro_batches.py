"""Micro-batches against the plain step, and against one in which the encoder's activations are kept for all of them."""

import numpy as np
import pytest
from equality import SIZE, deviation, encoder, small
from hlo import hlo, lint

import dogo_tf
from dogo_tf.numerics import similarity
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.step import micro_batches

BATCH = 8


@pytest.fixture
def float64():
    keras.backend.set_floatx("float64")
    keras.mixed_precision.set_global_policy("float64")  # which other tests have set, and which then goes before floatx
    yield
    keras.mixed_precision.set_global_policy("float32")
    keras.backend.set_floatx("float32")


def without_batch_norm(name, width):
    images = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(width, 3, 2, activation="tanh")(keras.layers.Rescaling(1 / 127.5, -1)(images))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name=name)


def with_batch_norm(name, width):
    return encoder(name, width, "relu")


def model(make_encoder, objectives, parts, **compile_options):
    keras.utils.set_random_seed(0)
    peers = [dogo_tf.Peer(make_encoder(f"peer_{k}", 4 + k), small(name)) for k, name in enumerate(objectives)]
    made = dogo_tf.DoGo(peers, distill_weight=1.0, micro_batches=parts)
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9), **compile_options)
    return made


def views(batch=BATCH):
    return dogo_tf.Views(*np.random.default_rng(0).uniform(0, 255, (2, batch, SIZE, SIZE, 3)))


def after(made, steps):
    """All weights and moving averages after so many steps on the same images."""
    made.fit(tf.data.Dataset.from_tensors(views()).repeat(steps), verbose=0)
    return [variable.numpy() for peer in made.peers for variable in peer.variables]


@pytest.mark.parametrize("objectives", [pytest.param(("simclr",) * 2, marks=pytest.mark.slow), ("simclr", "simsiam")])
def test_without_batch_norm_the_weights_are_those_of_the_plain_step(float64, objectives):
    plain, parts = (model(without_batch_norm, objectives, k) for k in (1, 4))
    for steps in (1, 4):
        assert deviation(after(parts, steps), after(plain, steps)) < 1e-9


def kept(encoder, views, parts):
    """What `encode` is to give, one micro-batch after the other under the step's own tape."""
    averages = [v for layer in encoder.layers for v in layer.non_trainable_variables]
    start, moved, of_a, of_b = [v.read_value() for v in averages], [], [], []
    for a, b in zip(*(tf.split(view, parts) for view in views), strict=True):
        for variable, value in zip(averages, start, strict=True):
            variable.assign(value)
        h_a, h_b = tf.split(encoder(tf.concat([a, b], 0), training=True), 2)
        of_a.append(h_a), of_b.append(h_b), moved.append([v.read_value() for v in averages])
    for variable, values in zip(averages, zip(*moved, strict=True), strict=True):
        variable.assign(tf.add_n(values) / parts)
    return tf.concat(of_a + of_b, 0)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [{}, {"run_eagerly": True}])
def test_with_batch_norm_weights_and_averages_are_those_of_kept_micro_batches(float64, monkeypatch, mode):
    parts = model(with_batch_norm, ("simclr", "simsiam"), 2, **mode)
    ours = [after(parts, steps) for steps in (1, 4)]
    monkeypatch.setattr("dogo_tf.peer.encode", kept)
    reference = model(with_batch_norm, ("simclr", "simsiam"), 2)
    for weights, steps in zip(ours, (1, 4), strict=True):
        expected = after(reference, steps)
        assert max(np.abs(a - b).max() for a, b in zip(weights, expected, strict=True)) < 1e-9
    other = after(model(with_batch_norm, ("simclr", "simsiam"), 1), 5)
    assert deviation(ours[1], other) > 1e-3  # statistics of 4 images are not those of 8


@pytest.mark.slow
def test_the_step_compiles_under_xla_to_the_same_weights(float64, monkeypatch):
    monkeypatch.setattr(similarity, "MOST_SIMILARITIES", 3 * BATCH)  # losses in blocks, too
    plain = model(with_batch_norm, ("simclr",) * 2, 2)
    compiled = model(with_batch_norm, ("simclr",) * 2, 2, jit_compile=True)
    assert deviation(after(compiled, 2), after(plain, 2)) < 1e-9


@pytest.mark.slow
def test_the_compiled_step_is_static_and_holds_no_activations_or_similarities_of_the_whole_batch(monkeypatch):
    step = tf.constant(np.zeros((BATCH, SIZE, SIZE, 3), np.uint8))
    found = {}
    for parts, most in ((1, 10**6), (4, 3 * BATCH)):
        monkeypatch.setattr(similarity, "MOST_SIMILARITIES", most)
        text = hlo(model(with_batch_norm, ("simclr",) * 2, parts).train_step, step)
        assert lint(text) == []
        found[parts] = [
            shape in text for shape in (f"f32[{2 * BATCH},3,3,4]", f"f32[{BATCH},{2 * BATCH}]", "f32[4,3,3,4]")
        ]
    assert found == {1: [True, True, False], 4: [False, False, True]}


def test_the_number_of_images_may_be_known_only_when_the_step_runs():
    made, given = with_batch_norm("any", 4), tf.TensorSpec([None, SIZE, SIZE, 3])
    function = tf.function(lambda a, b: micro_batches.encode(made, (a, b), 4), input_signature=[given] * 2)
    float_views = [tf.cast(view, tf.float32) for view in views()[:2]]
    np.testing.assert_allclose(function(*float_views), micro_batches.encode(made, float_views, 4), rtol=1e-5, atol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError, match="a number that divides the images on each replica; got 4"):
        function(*(view[:6] for view in float_views))


def test_evaluation_takes_any_number_of_images():
    made = model(with_batch_norm, ("simclr",), 4)
    images = np.zeros((7, SIZE, SIZE, 3), np.uint8)
    assert np.isfinite(made.evaluate(images, batch_size=7, verbose=0)).all()


def with_layer(*layers):
    images = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.GlobalAveragePooling2D()(images)
    for layer in layers:
        x = layer(x)
    return lambda name, width: keras.Model(images, x, name=name)


REFUSED = {
    "none": (with_batch_norm, 0, "micro_batches: expected a whole number of at least 1, got 0"),
    "dropout": (
        with_layer(keras.layers.Dropout(0.5, name="drop")),
        2,
        "micro_batches: 'drop' in the encoder of peer 'peer_0' draws random numbers, which would be others when",
    ),
    "activity": (
        with_layer(keras.layers.Dense(4, activity_regularizer="l2", name="small")),
        2,
        "micro_batches: 'small' in the encoder of peer 'peer_0' has a loss on activations, which are not kept; use 1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_computed_again_is_refused(case):
    make_encoder, parts, message = REFUSED[case]
    with pytest.raises(dogo_tf.InputError, match=message):
        model(make_encoder, ("simclr",), parts)
    model(make_encoder, ("simclr",), 1)


def images(count):
    return np.zeros((count, SIZE, SIZE, 3), np.uint8)


def dataset(batch, **options):
    return tf.data.Dataset.from_tensor_slices(images(16)).batch(batch, **options)


UNSHARED = {
    "array": (
        lambda: images(12),
        "x: 12 images in batches of 8 leave a last batch of 4, which 4 micro-batches cannot share",
    ),
    "one array": (lambda: images(6), "x: a batch of 6 images does not divide over 4 micro-batches"),
    "dataset": (lambda: dataset(8), "x: its last batch may be smaller, which 4 micro-batches cannot share; use .batch"),
    "static": (lambda: dataset(6, drop_remainder=True), "x: a batch of 6 images does not divide over 4 micro-batches"),
}


@pytest.mark.parametrize("case", UNSHARED)
def test_batches_that_micro_batches_cannot_share_are_refused_before_the_first_step(case):
    data, message = UNSHARED[case]
    x = data()
    with pytest.raises(dogo_tf.InputError, match=message):
        model(with_batch_norm, ("simclr",), 4).fit(
            x, verbose=0, **({"batch_size": 8} if isinstance(x, np.ndarray) else {})
        )


def test_a_step_of_its_own_refuses_them_too():
    made = with_batch_norm("any", 4)
    with pytest.raises(dogo_tf.InputError, match="divides the images on each replica; got 3 for 8 images"):
        micro_batches.encode(made, views()[:2], 3)
