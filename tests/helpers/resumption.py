"""A small DoGo that is trained, left and resumed, for tests of what a checkpoint must hold."""

import itertools

import numpy as np
from equality import BATCH, SIZE, encoder, small

import dogo_tf
from dogo_tf.data.stream import distributed_stream
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.runs.checkpoint import RunCheckpoint

IMAGES = np.random.default_rng(0).integers(0, 256, (4 * BATCH, SIZE, SIZE, 3), dtype=np.uint8)


def model(optimizers, seed=0, objectives=("simclr",)):
    """One peer for each optimizer, by the objectives in turn, with first weights by the seed."""
    keras.utils.set_random_seed(seed)
    peers = [
        dogo_tf.Peer(encoder(f"peer_{k}", 4, "relu"), small(objective), ema=0.9, local_views=2)
        for k, (_, objective) in enumerate(zip(optimizers, itertools.cycle(objectives), strict=False))
    ]
    made = dogo_tf.DoGo(peers)
    made.compile(list(optimizers))
    return made


def train(made, first: int, last: int):
    """The steps first..last - 1 of a run; returns the weights before them."""
    before = [weight.numpy() for weight in made.trainable_variables]
    stream = distributed_stream(tf.distribute.get_strategy(), IMAGES, BATCH, seed=0, start_example=first * BATCH)
    losses = made.fit(stream, steps_per_epoch=last - first, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    return before


def state(made, folder) -> dict[str, np.ndarray]:
    """Everything that its checkpoint would hold, by name."""
    path = RunCheckpoint(folder, made).save(4)
    reader = tf.train.load_checkpoint(str(path / "state"))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }


def assert_a_resumed_run_ends_like_a_whole_one(make_optimizers, folder) -> dogo_tf.DoGo:
    """Bit by bit, with target and queue, also if it started from other weights. Returns the model of the whole run."""
    objectives = ("byol", "moco")
    whole = model(make_optimizers(), objectives=objectives)
    before = train(whole, 0, 2)
    RunCheckpoint(folder / "run", whole).save(2)
    train(whole, 2, 4)
    still = [w.name for w, old in zip(whole.trainable_variables, before, strict=True) if np.array_equal(w.numpy(), old)]
    assert not still, "weights that do not train"
    resumed = model(make_optimizers(), seed=1, objectives=objectives)
    assert RunCheckpoint(folder / "run", resumed).restore_newest()
    train(resumed, 2, 4)
    ours, theirs = state(resumed, folder / "resumed"), state(whole, folder / "whole")
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    return whole
