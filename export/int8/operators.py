"""TFLite's operations in TensorFlow, on real values: what an int8 kernel computes before it rounds."""

import numpy as np

from dogo_tf.platform.keras_compat import tf

_PADDING = ("SAME", "VALID")
_FUSED = {0: lambda x: x, 1: tf.nn.relu, 3: tf.nn.relu6}


def _fused(x, options):
    return _FUSED[options.fusedActivationFunction](x)


def _conv_2d(options, x, weights, bias=None):
    y = tf.nn.conv2d(
        x,
        weights,
        (options.strideH, options.strideW),
        _PADDING[options.padding],
        dilations=(options.dilationHFactor, options.dilationWFactor),
    )
    return _fused(y if bias is None else y + bias, options)


def _depthwise(options, x, weights, bias=None):
    _, height, width, channels = weights.shape
    y = tf.nn.depthwise_conv2d(
        x,
        tf.reshape(weights, (height, width, x.shape[-1], channels // x.shape[-1])),
        (1, options.strideH, options.strideW, 1),
        _PADDING[options.padding],
        dilations=(options.dilationHFactor, options.dilationWFactor),
    )
    return _fused(y if bias is None else y + bias, options)


def _fully_connected(options, x, weights, bias=None):
    y = tf.matmul(x if options.keepNumDims else tf.reshape(x, (-1, weights.shape[0])), weights)
    return _fused(y if bias is None else y + bias, options)


def _pool(function):
    def pool(options, x):
        size, strides = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
        return _fused(function(x, size, strides, _PADDING[options.padding]), options)

    return pool


def _strided_slice(options, x, begin, end, strides):
    return tf.strided_slice(
        x,
        begin,
        end,
        strides,
        options.beginMask,
        options.endMask,
        options.ellipsisMask,
        options.newAxisMask,
        options.shrinkAxisMask,
    )


def _hard_swish(options, x):
    return x * tf.nn.relu6(x + 3) / 6


# Kind -> function of (options, *inputs). Weights have their output channels last, and are four-dimensional for convolutions.
OPERATORS = {
    "ADD": lambda options, x, y: _fused(x + y, options),
    "AVERAGE_POOL_2D": _pool(tf.nn.avg_pool2d),
    "CONCATENATION": lambda options, *x: _fused(tf.concat(x, options.axis), options),
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEQUANTIZE": lambda options, x: x,
    "FULLY_CONNECTED": _fully_connected,
    "HARD_SWISH": _hard_swish,
    "LOGISTIC": lambda options, x: tf.sigmoid(x),
    "MAX_POOL_2D": _pool(tf.nn.max_pool2d),
    "MEAN": lambda options, x, axes: tf.reduce_mean(x, np.asarray(axes), options.keepDims),
    "MUL": lambda options, x, y: _fused(x * y, options),
    "PACK": lambda options, *x: tf.stack(x, options.axis),
    "PAD": lambda options, x, paddings: tf.pad(x, paddings),
    "QUANTIZE": lambda options, x: x,
    "RELU": lambda options, x: tf.nn.relu(x),
    "RELU6": lambda options, x: tf.nn.relu6(x),
    "RESHAPE": lambda options, x, *shape: tf.reshape(x, shape[0] if shape else options.newShape),
    "SHAPE": lambda options, x: tf.shape(x),
    "SPLIT": lambda options, axis, x: tf.split(x, options.numSplits, int(axis)),
    "STRIDED_SLICE": _strided_slice,
    "SUB": lambda options, x, y: _fused(x - y, options),
    "TRANSPOSE": lambda options, x, axes: tf.transpose(x, axes),
}


def missing(operations) -> list[str]:
    """The kinds among them that are not in OPERATORS, and activations fused into one that are not in _FUSED."""
    kinds = {operation.kind for operation in operations} - OPERATORS.keys()
    for operation in operations:
        fused = getattr(operation.options, "fusedActivationFunction", 0)
        if fused not in _FUSED:
            kinds.add(f"{operation.kind} with fused activation {fused}")
    return sorted(kinds)
