"""What a .tflite file consists of."""

import numpy as np

from dogo_tf.export import graph
from dogo_tf.platform.keras_compat import tf


def converted(function, *shape):
    concrete = tf.function(function, input_signature=[tf.TensorSpec(shape, name="x")]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    return converter.convert()


def test_every_format_is_builtin_and_the_integer_one_has_no_floats(tflite_files):
    graphs = {name: graph.read(data) for name, data in tflite_files.items()}
    assert all(found.builtin_only for found in graphs.values())
    assert graphs["int8"].float_operators == 0 and graphs["dynamic_range"].float_operators > 0
    assert graphs["float32"].operators["CONV_2D"] == 2 and graphs["float32"].operators["CAST"] == 1
    assert "CAST" not in graphs["int8"].operators and graphs["int8"].operators["QUANTIZE"] == 1
    # A float16 file expands its weights by operations, which take no part in the memory of an image.
    assert graphs["float16"].operators["DEQUANTIZE"] > 0
    assert graphs["float16"].activation_bytes == graphs["float32"].activation_bytes
    # Four bytes a number become one.
    assert graphs["int8"].activation_bytes < 0.5 * graphs["float32"].activation_bytes


def test_memory_is_that_of_what_is_alive_at_once():
    def function(x):  # [8] -> 32 bytes each
        wide = tf.tile(x, [4])  # 128 bytes; x is read again at the end
        return {"y": tf.reduce_sum(tf.reshape(tf.sqrt(wide), [4, 8]), 0) + x}

    # sqrt reads 128 bytes and writes 128 while x, 32 bytes, waits.
    assert graph.read(converted(function, 8)).activation_bytes == 2 * 128 + 32


def test_a_custom_operation_is_named():
    found = graph.read(converted(lambda x: {"y": tf.linalg.logdet(tf.reshape(x, [2, 2]))}, 4))
    assert not found.builtin_only
    assert any(name.startswith("CUSTOM:Flex") for name in found.operators), found.operators


def test_operators_are_sorted_by_how_often_they_occur(tflite_files):
    counts = list(graph.read(tflite_files["int8"]).operators.values())
    assert counts == sorted(counts, reverse=True) and np.sum(counts) > 5
