"""The same network in another precision: in a mixed one to train, in float32 to be saved, exported and deployed."""

from __future__ import annotations

from dogo_tf.encoders._twin import twin
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf

_OTHER_POLICIES = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16", "float64")


def as_float32(model: keras.Model) -> keras.Model:
    """The same functional or sequential model with every layer computing in float32, and the same weights.

    A model that is float32 throughout is returned as it is. Half precision must go before an export, as TFLite has no
    kernels for it. Under the mixed policies the weights are float32 already, so nothing is lost.

    Raises:
        InputError: a model in another precision that is subclassed, or has casts written into its graph.
    """
    if not _is_other(model):
        return model
    try:
        made = twin(model, lambda layer: _float32_config(layer.get_config()), _float32_config)
    except (ValueError, NotImplementedError, TypeError) as error:
        raise InputError(
            f"encoder {model.name!r}: cannot be rebuilt in float32 ({error}); expected a functional or sequential "
            "keras.Model of layers with get_config, or one built under the float32 policy"
        ) from error
    # After the rebuild: graph operations (TFOpLambda layers) keep the types they were recorded with.
    if any(output.dtype != tf.float32 for output in tf.nest.flatten(made.outputs)):
        raise InputError(f"encoder {model.name!r}: expected float32 output, but its graph holds a cast to another type")
    return made


def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """The same functional or sequential model, computing in `precision`, a mixed policy; as it is for float32.

    What the package keeps in float32 (normalised pixels, pooled features, class heads) stays so; see also `only_dense`.

    Raises:
        InputError: a model that cannot be rebuilt.
    """
    if precision == "float32":
        return model
    sparingly = only_dense(model, precision)
    try:
        return twin(
            model, lambda layer: _config_in("float32" if sparingly and not _is_dense(layer) else precision, layer)
        )
    except (ValueError, NotImplementedError, TypeError) as error:
        raise InputError(
            f"precision: the encoder {model.name!r} cannot be rebuilt in {precision} ({error}); expected float32"
        ) from error


def as_it_is_fastest(model: keras.Model) -> keras.Model:
    """A network that was built under the policy that is set now: itself, or with only its dense convolutions in it."""
    precision = keras.mixed_precision.global_policy().name
    return in_precision(model, precision) if only_dense(model, precision) else model


def only_dense(model: keras.Model, precision: str) -> bool:
    """Whether only the dense convolutions of this network are worth computing in `precision`.

    TensorFlow has no fast kernel for depthwise convolutions in bfloat16 on CPUs. Around them, what is between two of them
    (batch normalisation, activations, squeeze-and-excite) was faster in float32, too (results/depthwise.json).
    """
    if precision != "mixed_bfloat16" or any(map(tf.config.list_logical_devices, ("GPU", "TPU"))):
        return False
    depthwise = keras.layers.DepthwiseConv2D | keras.layers.SeparableConv2D
    return any(isinstance(part, depthwise) for part in model.submodules)


def _is_dense(layer) -> bool:
    return type(layer) in (keras.layers.Conv2D, keras.layers.Dense)


def _config_in(precision: str, layer) -> dict:
    from dogo_tf.class_head import ClassHead  # loads TensorFlow, which a mistyped flag need not wait for

    stable = isinstance(layer, keras.layers.Rescaling | keras.layers.GlobalAveragePooling2D | ClassHead)
    config = layer.get_config()
    if isinstance(layer, keras.layers.BatchNormalization):
        config["synchronized"] = layer.synchronized  # which Keras leaves out
    if "dtype" not in config or (stable and precision != "float32"):
        return config
    return {**config, "dtype": precision}


def _is_other(model) -> bool:
    """Whether any layer has another precision than float32; whole-number inputs do not count."""
    layers = [layer for layer in model.submodules if isinstance(layer, keras.layers.Layer)]
    return any(layer.dtype_policy.name in _OTHER_POLICIES for layer in layers)


def _float32_config(config):
    """A configuration with every precision in it replaced, also those of wrapped layers."""
    if isinstance(config, dict):
        if config.get("class_name") in ("Policy", "PolicyV1"):
            return "float32"
        return {key: _float32_config(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_float32_config(value) for value in config]
    return "float32" if isinstance(config, str) and config in _OTHER_POLICIES else config
