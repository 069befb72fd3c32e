"""A program: what is said on two replicas (logical CPU devices) to what goes wrong there; prints {case: message} as JSON."""

import functools
import json

import numpy as np
from equality import BATCH, SIZE, encoder, on_logical_devices, set_up, small

from dogo_tf.platform.keras_compat import keras, tf

set_up("float32", devices=2)
import dogo_tf  # noqa: E402

strategy = on_logical_devices(2)
IMAGES = np.random.default_rng(0).integers(0, 256, (2 * BATCH, SIZE, SIZE, 3), dtype=np.uint8)


def plain_encoder():
    images = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.BatchNormalization(name="alone")(keras.layers.Conv2D(4, 3)(images))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name="plain")


def model(make_encoder=None, optimizer=None, **options):
    with strategy.scope():
        encoders = [make_encoder() if make_encoder else encoder(name, 4, "relu") for name in ("one", "two")]
        peers = [dogo_tf.Peer(e, small("simclr"), name=f"peer_{k}") for k, e in enumerate(encoders)]
        made = dogo_tf.DoGo(peers, **options)
        made.compile(optimizer or keras.optimizers.SGD(0.1))
    return made


refusing = functools.cache(model)  # what is refused before the first step leaves it as it was


def optimizers_of_another_scope():
    outside = [keras.optimizers.SGD(0.1, momentum=0.9) for _ in range(2)]
    for optimizer in outside:
        optimizer.build([tf.Variable(0.0)])
    model(optimizer=outside)


def one_optimizer_outside():
    """Is cloned inside, whatever it was."""
    outside = keras.optimizers.SGD(0.1, momentum=0.9)
    outside.build([tf.Variable(0.0)])
    made = model(optimizer=outside)
    made.compile(outside)  # outside the scope, too
    inside = strategy.extended.variable_created_in_scope
    assert all(inside(v) for o in made.peer_optimizers for v in o.variables)
    raise dogo_tf.InputError("fine")


def replicas_apart():
    made = model(make_encoder=plain_encoder, sync_batch_norm=False)
    layers = [part for part in made.submodules if isinstance(part, keras.layers.BatchNormalization)]
    assert len(layers) == 4 and not any(layer.synchronized for layer in layers)
    raise dogo_tf.InputError("fine")


def model_within_a_model():
    images = keras.Input((SIZE, SIZE, 3))
    return keras.Model(images, plain_encoder()(images), name="outer")


def synchronised(make_encoder):
    """Has the same weights, takes the statistics over both replicas, and is accepted."""
    theirs = make_encoder()
    theirs.set_weights([weight + 0.5 for weight in theirs.get_weights()])
    with strategy.scope():
        ours = dogo_tf.encoders.synchronised(theirs)
    assert ours.name == theirs.name
    assert all(np.array_equal(a, b) for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True))
    batch = IMAGES[:4].astype(np.float32) / 255
    batch[2:] *= 0.2  # statistics of each half alone would be others
    halves = strategy.experimental_distribute_values_from_function(
        lambda context: batch[2 * context.replica_id_in_sync_group :][:2]
    )
    outputs = strategy.experimental_local_results(strategy.run(lambda x: ours(x, training=True), (halves,)))
    np.testing.assert_allclose(np.concatenate(outputs), theirs(batch, training=True), rtol=1e-3, atol=1e-4)
    model(make_encoder=lambda: dogo_tf.encoders.synchronised(make_encoder()))
    raise dogo_tf.InputError("fine")


class Block(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.norm = keras.layers.BatchNormalization(name="hidden")

    def call(self, x):
        return self.norm(x)


class Subclassed(keras.Model):
    def call(self, x):
        return x


def own_block():
    images = keras.Input((SIZE, SIZE, 3))
    dogo_tf.encoders.synchronised(keras.Model(images, Block()(images), name="blocks"))


def stop_rate():
    """One optimizer for all: a learning-rate callback reaches every peer."""
    made = model()
    before = [peer.trainable_variables[0].numpy() for peer in made.peers]
    made.fit(IMAGES, batch_size=BATCH, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda *_: 0.0)])
    assert all(np.array_equal(p.trainable_variables[0].numpy(), w) for p, w in zip(made.peers, before, strict=True))
    raise dogo_tf.InputError("fine")


def dataset(batch=BATCH, **options):
    return tf.data.Dataset.from_tensor_slices(IMAGES).batch(batch, **options)


def uneven_distributed():
    return strategy.distribute_datasets_from_function(lambda context: dataset(8))


def norm_of_gradients():
    """Of ready-made views, with statistics over all replicas: their gradients hold parts that cancel in the sum alone."""
    views = dogo_tf.Views(*np.random.default_rng(1).uniform(0, 255, (2, BATCH, SIZE, SIZE, 3)).astype(np.float32))
    batch = tf.data.Dataset.from_tensor_slices(views).batch(BATCH, drop_remainder=True)
    norms = []
    for scope in (strategy, tf.distribute.get_strategy()):
        with scope.scope():
            keras.utils.set_random_seed(0)
            peer = dogo_tf.Peer(encoder("one", 4, "relu"), small("simclr"), name="a")
            made = dogo_tf.DoGo([peer])
            made.compile(keras.optimizers.SGD(0.1))
        (norm,) = made.fit(batch, verbose=0).history["a/gradient_norm"]
        norms.append(norm)
    on_two, on_one = norms
    assert abs(on_two / on_one - 1) < 1e-3, norms
    raise dogo_tf.InputError("fine")


CASES = {
    "batch norm": lambda: model(make_encoder=plain_encoder),
    "batch norm apart": replicas_apart,
    "batch norm synchronised": lambda: synchronised(plain_encoder),
    "batch norm synchronised within": lambda: synchronised(model_within_a_model),
    "batch norm in a block": own_block,
    "batch norm subclassed": lambda: dogo_tf.encoders.synchronised(Subclassed(name="own")),
    "jit": lambda: model().compile("sgd", jit_compile=True),
    "built outside": optimizers_of_another_scope,
    "cloned inside": one_optimizer_outside,
    "callbacks": stop_rate,
    "uneven array": lambda: refusing().fit(IMAGES[:25], batch_size=BATCH),
    "uneven evaluation": lambda: refusing().evaluate(IMAGES[:25], batch_size=BATCH),
    "indivisible array": lambda: refusing().fit(IMAGES, batch_size=15),
    "uneven dataset": lambda: refusing().fit(dataset()),
    "indivisible dataset": lambda: refusing().fit(dataset(15, drop_remainder=True)),
    "uneven distributed": lambda: refusing().fit(uneven_distributed(), steps_per_epoch=1),
    "norm of gradients": norm_of_gradients,
    "generator": lambda: refusing().fit(x for x in [IMAGES]),
}

if __name__ == "__main__":
    messages = {}
    for name, case in CASES.items():
        try:
            case()
            messages[name] = "no error"
        except dogo_tf.InputError as error:
            messages[name] = str(error)
    print(json.dumps(messages))
