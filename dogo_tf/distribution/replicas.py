"""What would fail obscurely, or go wrong silently, where a model trains on several replicas: checked before the first step."""

from __future__ import annotations

import inspect

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.types import Views


def configure_batch_norm(peers, terms, synchronised: bool, micro_batches: int = 1) -> None:
    """Makes the batch normalisation of peers and terms, under several replicas, take its statistics over all or over each.

    With micro-batches, that of the encoders takes them over each micro-batch in any case.

    Raises:
        InputError: layers that were built to keep to their replica, and so cannot follow `synchronised`.
    """
    several = tf.distribute.get_strategy().num_replicas_in_sync > 1
    in_micro_batches = [layer for peer in peers for layer in _batch_norms(peer.encoder)] if micro_batches > 1 else []
    for part in (*peers, *terms):
        layers = _batch_norms(part)
        for layer in layers if several and not synchronised else in_micro_batches:
            layer.synchronized = False
        unsynchronised = [layer.name for layer in layers if not layer.synchronized and layer not in in_micro_batches]
        if several and unsynchronised and synchronised:
            raise InputError(
                f"peer {part.name!r}: {len(unsynchronised)} layers of batch normalisation, e.g. {unsynchronised[0]!r}, would "
                "take their statistics on each replica alone; make the peer of dogo_tf.encoders.synchronised(model), build "
                "them with BatchNormalization(synchronized=True), or accept another result than on one device with "
                "DoGo(..., sync_batch_norm=False)"
            )


def _batch_norms(model) -> list:
    return [part for part in model.submodules if isinstance(part, keras.layers.BatchNormalization)]


def check_compile(strategy: tf.distribute.Strategy, optimizers, jit_compile) -> None:
    """InputError for optimisers of another scope, and for XLA where TensorFlow has none for several replicas."""
    for k, optimizer in enumerate(optimizers):
        variables = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
        if not all(strategy.extended.variable_created_in_scope(variable) for variable in variables):
            raise InputError(
                f"optimizer: the one of peer {k} was made outside the model's strategy, and would silently train otherwise; "
                "make it inside `with strategy.scope():`, or give one optimizer, which is cloned there for each peer"
            )
    if jit_compile and strategy.num_replicas_in_sync > 1 and not isinstance(strategy, tf.distribute.TPUStrategy):
        devices = {tf.DeviceSpec.from_string(name).device_type for name in strategy.extended.worker_devices}
        if "CPU" in devices:
            raise InputError(
                f"jit_compile: TensorFlow cannot compile a step over {strategy.num_replicas_in_sync} replicas on CPUs; "
                "leave it out, or use one replica"
            )


def check_batches(strategy: tf.distribute.Strategy, x, batch_size: int | None, micro_batches: int = 1) -> None:
    """InputError unless every replica gets as many rows of every batch, and every micro-batch as many of these.

    Images are compared across replicas.
    """
    replicas = strategy.num_replicas_in_sync
    parts = replicas * micro_batches
    if parts == 1:
        return
    named = [f"{replicas} replicas"] * (replicas > 1) + [f"{micro_batches} micro-batches"] * (micro_batches > 1)
    sharers = " with ".join(named) + (" each" if len(named) > 1 else "")
    if isinstance(x, tf.distribute.DistributedDataset):
        # Over several workers TensorFlow hides the sizes; batches that differ then end in its own error.
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            _check_distributed(x, sharers)
    elif isinstance(x, tf.data.Dataset):
        sizes = {spec.shape[0] for spec in tf.nest.flatten(x.element_spec)}
        if None in sizes:
            raise InputError(
                f"x: its last batch may be smaller, which {sharers} cannot share; use "
                ".batch(size, drop_remainder=True), or .repeat() before it"
            )
        _check_divides(sizes.pop(), parts, sharers)
    elif inspect.isgenerator(x) or isinstance(x, keras.utils.Sequence):
        raise InputError(
            f"x: expected arrays or a tf.data.Dataset with batches of one size for {sharers}; got {type(x).__name__}"
        )
    else:
        rows, size = len(_first_array(x)), batch_size or 32  # Keras' default
        _check_divides(min(rows, size), parts, sharers)
        if rows > size and rows % size:
            raise InputError(
                f"x: {rows} images in batches of {size} leave a last batch of {rows % size}, which {sharers} cannot "
                f"share as the others; give {rows // size * size} images, or a tf.data.Dataset with drop_remainder=True"
            )


def _check_distributed(x, sharers: str) -> None:
    shapes = {
        tuple(part.shape) for spec in tf.nest.flatten(x.element_spec) for part in getattr(spec, "_value_specs", [spec])
    }
    if any(shape[0] is None for shape in shapes):
        raise InputError(f"x: batches of unknown size for {sharers}; batch with drop_remainder=True")


def _check_divides(size: int, parts: int, sharers: str) -> None:
    if size % parts:
        raise InputError(f"x: a batch of {size} images does not divide over {sharers}")


def _first_array(x):
    while not isinstance(x, np.ndarray | tf.Tensor):
        x = x.a if isinstance(x, Views) else next(iter(x.values() if isinstance(x, dict) else x))
    return x
