"""Copies of models whose weights are assigned within a training step, on any number of replicas."""

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf


def copy_of(model: keras.Model, purpose: str) -> keras.Model:
    """A copy with the same weights. `purpose`: what copies it, for the message.

    Raises:
        InputError: a subclassed model, which Keras cannot copy.
    """

    def assignable(create, **kwargs):
        # Keras lets weights be changed by optimisers only; with an aggregation each replica may assign what all agree on.
        if kwargs.get("aggregation", tf.VariableAggregation.NONE) == tf.VariableAggregation.NONE:
            kwargs["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
        return create(**kwargs)

    with tf.variable_creator_scope(assignable):
        copy = _clone(model, purpose)
    copy.set_weights(model.get_weights())
    return copy


def _clone(model, purpose):
    if not getattr(model, "_is_graph_network", False):
        raise InputError(
            f"encoder {model.name!r}: {purpose} copies it, which Keras can do with functional and sequential models only; "
            f"it is a subclass, {type(model).__name__}"
        )

    def clone_layer(layer):
        if isinstance(layer, keras.Model):
            return _clone(layer, purpose)
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["synchronized"] = layer.synchronized  # which Keras leaves out
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=clone_layer)
