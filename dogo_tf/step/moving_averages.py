"""The moving averages that batch normalisation keeps for inference: to be read and put back within a step."""

from dogo_tf.platform.keras_compat import tf


def of(model) -> list:
    """What the model's layers would average over replicas, as batch normalisation does its statistics."""
    return [v for v in model.variables if v.aggregation == tf.VariableAggregation.MEAN and not v.trainable]


def values(variables) -> list:
    return [tf.identity(variable) for variable in variables]


def assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
