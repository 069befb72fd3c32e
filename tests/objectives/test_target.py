"""The target follows by the papers' equation, and by nothing else."""

import numpy as np
import pytest
from equality import SIZE, encoder, small

import dogo_tf
from dogo_tf.objectives import byol
from dogo_tf.objectives._target import Target
from dogo_tf.platform.keras_compat import keras, tf


def images(count=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def dogo(*given, rate=0.1, eagerly=True, **options):
    """Eagerly, as tracing a graph takes longer than a few steps."""
    keras.utils.set_random_seed(1)
    peers = [
        dogo_tf.Peer(encoder(f"peer_{k}", 6, "relu"), small(objective) if isinstance(objective, str) else objective)
        for k, objective in enumerate(given)
    ]
    made = dogo_tf.DoGo(peers, **options)
    made.compile(keras.optimizers.SGD(rate), run_eagerly=eagerly)
    return made


def state(model):
    """Every variable of every peer: weights, statistics, targets and queues."""
    return {f"{peer.name}, variable {k}": v.numpy() for peer in model.peers for k, v in enumerate(peer.variables)}


def arrays(variables):
    return [variable.numpy() for variable in variables]


def pairs(peer):
    """(weight of the target, weight that it follows)."""
    learning = [*peer.encoder.trainable_weights, *peer.projector.trainable_weights]
    following = [weight for copy in peer.target.copies for weight in copy.trainable_weights]
    return list(zip(following, learning, strict=True))


def test_it_starts_equal_and_shares_nothing():
    peer = dogo("byol").peers[0]
    x = tf.cast(images(5), tf.float32)
    np.testing.assert_array_equal(peer.target(x), peer.projector(peer.encoder(x)))
    assert not {id(w) for w in peer.target.weights} & {id(w) for m in (peer.encoder, peer.projector) for w in m.weights}


def test_it_follows_by_the_equation_after_every_step():
    model = dogo(small_byol(0.8))
    peer = model.peers[0]
    expected = [ours.numpy() for ours, _ in pairs(peer)]
    for step in range(3):
        model.fit(images()[:16], batch_size=16, verbose=0)
        expected = [0.8 * old + 0.2 * theirs.numpy() for old, (_, theirs) in zip(expected, pairs(peer), strict=True)]
        for (ours, theirs), value in zip(pairs(peer), expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), value, rtol=1e-5, atol=1e-7)
            assert not np.array_equal(ours.numpy(), theirs.numpy()), step


def small_byol(momentum):
    return byol.Objective(momentum, widths=(12, 8), predictor_width=16)


@pytest.mark.parametrize("planned, seen, momentum", [(64, 0, 0.9), (64, 32, 0.95), (64, 64, 1.0), (None, 32, 0.9)])
def test_the_momentum_is_that_of_the_share_of_the_planned_training(planned, seen, momentum):
    model = dogo(small_byol(0.9), rate=1.0, planned_examples=planned)
    model.examples_seen.assign(seen)
    before = [ours.numpy() for ours, _ in pairs(model.peers[0])]
    model.fit(images()[:16], batch_size=16, verbose=0)
    for old, (ours, theirs) in zip(before, pairs(model.peers[0]), strict=True):
        expected = momentum * old + (1 - momentum) * theirs.numpy()
        np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-4, atol=1e-6)


def test_it_takes_statistics_of_its_own_of_the_same_batches():
    """Also where it would not follow at all."""
    model = dogo(small_byol(1.0), rate=1.0)
    peer = model.peers[0]
    start = arrays(w for w in peer.target.copies[0].non_trainable_weights)
    model.fit(images(), batch_size=16, verbose=0)
    ours, theirs = (arrays(e.non_trainable_weights) for e in (peer.target.copies[0], peer.encoder))
    assert len(ours) == 2
    for old, own, others in zip(start, ours, theirs, strict=True):
        assert not np.allclose(own, old) and not np.allclose(own, others)


def test_the_optimiser_never_sees_it():
    peer = dogo("byol").peers[0]
    of_target = {id(weight) for weight in peer.target.weights}
    assert peer.target.trainable_variables == [] and len(of_target) == len(peer.target.non_trainable_variables) > 0
    assert not of_target & {id(weight) for weight in peer.trainable_variables}
    assert of_target < {id(weight) for weight in peer.variables}  # which are what a checkpoint keeps


def test_no_gradient_passes_through_it():
    peer = dogo("byol").peers[0]
    x = tf.Variable(tf.cast(images(4), tf.float32))
    with tf.GradientTape() as tape:
        tape.watch(peer.target.weights)
        loss = tf.reduce_sum(peer.target(x, training=True) ** 2)
    assert tape.gradient(loss, [x, *peer.target.weights]) == [None] * (1 + len(peer.target.weights))


def test_evaluation_leaves_target_and_queue_alone_and_repeats_itself():
    model = dogo("byol", "moco")
    before = state(model)
    first, second = (model.evaluate(images(), batch_size=16, verbose=0, return_dict=True) for _ in range(2))
    assert first == second
    for name, value in state(model).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"jit_compile": True}, {"steps_per_execution": 2}])
def test_compiled_and_joined_steps_give_the_same_targets_and_queues(options, stepwise):
    model = dogo("byol", "moco", planned_examples=64)
    model.compile(keras.optimizers.SGD(0.1), **options)
    model.fit(images(64), batch_size=16, shuffle=False, verbose=0)
    for name, value in state(model).items():
        np.testing.assert_allclose(value, stepwise[name], rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.fixture(scope="module")
def stepwise():
    model = dogo("byol", "moco", planned_examples=64, eagerly=False)
    model.fit(images(64), batch_size=16, shuffle=False, verbose=0)
    return state(model)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_has_the_losses_of_full_precision_and_keeps_float32(policy):
    def embedded(model):
        views = dogo_tf.Views(*(tf.cast(images(16, seed), tf.float32) for seed in (0, 1)))
        return [peer.embed(views, training=True) for peer in model.peers]

    full = dogo("byol", "moco")
    keras.mixed_precision.set_global_policy(policy)
    try:
        half = dogo("byol", "moco", eagerly=False)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    np.testing.assert_allclose(half.ssl_losses(embedded(half)), full.ssl_losses(embedded(full)), rtol=0.02)
    before = state(half)
    half.fit(images(), batch_size=16, epochs=8, verbose=0)  # under float16 the first steps are skipped
    for name, value in state(half).items():
        assert value.dtype == np.float32 and np.isfinite(value).all() and np.any(value != before[name]), name


def test_pixels_reach_peer_and_target_unrounded_in_half_precision():
    """The encoder normalises in float32: rounded to bfloat16 before, 200.3 and 200.4 would be the same."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        peer = dogo_tf.Peer(encoder("peer", 6, "relu"), small("byol"))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    x = 127 + tf.random.stateless_uniform([4, SIZE, SIZE, 3], [0, 1])  # all of them 127, 127.5 or 128 in bfloat16
    of_encoder = peer.encoder(x)
    np.testing.assert_array_equal(peer(x).h, of_encoder)
    np.testing.assert_array_equal(peer.target(x), peer.projector(of_encoder))
    assert not np.array_equal(peer.encoder(tf.cast(x, tf.bfloat16)), of_encoder)


@pytest.mark.parametrize(
    "name",
    ["wrn_10_1", *(pytest.param(name, marks=pytest.mark.slow) for name in ("mobilenet_v3_small", "shufflenet_v2"))],
)
def test_it_copies_every_family_of_encoders(name):
    model = dogo_tf.encoders.build(name, 64)
    x = tf.cast(np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)), tf.float32)
    np.testing.assert_array_equal(Target(model)(x), model(x))


def test_it_copies_a_model_inside_a_model_and_a_sequential_one():
    sequential = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), encoder_of_vectors()])
    x = tf.ones([2, 4])
    target = Target(sequential)
    np.testing.assert_array_equal(target(x), sequential(x))
    sequential.set_weights([weight + 1 for weight in sequential.get_weights()])
    target.follow(0.0)
    for ours, theirs in zip(target.copies[0].trainable_weights, sequential.trainable_weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def encoder_of_vectors():
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.BatchNormalization()(inputs)), name="inner")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.inner = encoder("inner", 4, "relu")

    def call(self, images, training=False):
        return self.inner(images, training=training)


@pytest.mark.parametrize("nested", [False, True])
def test_a_subclassed_encoder_is_refused(nested):
    subclassed = Subclassed()
    if nested:
        inputs = keras.Input((SIZE, SIZE, 3))
        model = keras.Model(inputs, subclassed(inputs), name="outer")
    else:
        model = subclassed
    with pytest.raises(dogo_tf.InputError) as error:
        Target(model)
    assert str(error.value) == (
        "encoder 'mine': an objective with a target network copies it, which Keras can do with functional and sequential "
        "models only; it is a subclass, Subclassed"
    )
