"""An encoder of your own, made ready for several replicas."""

from __future__ import annotations

from dogo_tf.encoders._twin import twin
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras


def synchronised(model: keras.Model) -> keras.Model:
    """The same model with batch normalisation that takes its statistics over all replicas, and the same weights.

    Call it inside `with strategy.scope():`, before the model becomes a Peer. Encoders by name do not need it: they are built so
    where they train on several replicas.

    Args:
        model: functional or sequential, also with models inside.
    Raises:
        InputError: a subclassed model, or layers that cannot be rebuilt from their configuration: build those with
            BatchNormalization(synchronized=True) yourself.
    """
    try:
        made = twin(model, _synchronised_config)
    except (ValueError, NotImplementedError, TypeError) as error:
        raise InputError(
            f"encoder {model.name!r}: cannot be rebuilt with synchronised batch normalisation ({error}); expected a "
            "functional or sequential keras.Model of layers with get_config; in layers or models of your own, write "
            "BatchNormalization(synchronized=True)"
        ) from error
    unsynchronised = [part.name for part in made.submodules if _is_unsynchronised(part)]
    if unsynchronised:
        raise InputError(
            f"encoder {model.name!r}: the batch normalisation {unsynchronised[0]!r} is inside a layer of your own; write "
            "BatchNormalization(synchronized=True) there"
        )
    return made


def _synchronised_config(layer):
    config = layer.get_config()
    return {**config, "synchronized": True} if _is_unsynchronised(layer) else config


def _is_unsynchronised(part) -> bool:
    return isinstance(part, keras.layers.BatchNormalization) and not part.synchronized
