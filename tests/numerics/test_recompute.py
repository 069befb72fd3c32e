"""Rows in blocks against one call for all rows: values and gradients, in every way in which a step may run."""

import numpy as np
import pytest

from dogo_tf.numerics.recompute import in_row_blocks
from dogo_tf.platform.keras_compat import tf

ROWS, COLUMNS, WIDTH = 10, 7, 4


def inputs(dtype):
    rng = np.random.default_rng(0)
    rows, columns, unused = (tf.constant(rng.normal(size=(n, WIDTH)), dtype) for n in (ROWS, COLUMNS, 2))
    return rows, columns, unused, tf.Variable(rng.normal(size=(WIDTH, WIDTH)), dtype=dtype)


def results(rows, shared):
    """Two results per row, of a nest with whole numbers, tensors, a variable and an input that nothing depends on."""
    x, labels = rows
    logits = tf.matmul(tf.matmul(x, shared["weight"]), shared["columns"], transpose_b=True)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), (
        tf.tanh(logits[:, :3]),
        tf.argmax(logits, -1),
    )


def with_gradients(block, weight):
    def function(rows, columns, unused):
        labels = tf.range(tf.shape(rows)[0]) % COLUMNS
        shared = {"columns": columns, "weight": weight, "unused": unused}
        specs = tf.TensorSpec([], rows.dtype), (tf.TensorSpec([3], rows.dtype), tf.TensorSpec([], tf.int64))
        with tf.GradientTape() as tape:
            tape.watch([rows, columns, unused])
            losses, (more, nearest) = in_row_blocks(results, (rows, labels), shared, block, specs)
            total = tf.reduce_sum(losses**2) + tf.reduce_sum(more * tf.stop_gradient(more[::-1]))
        sources = [rows, columns, weight, unused]
        return losses, more, nearest, *tape.gradient(total, sources, unconnected_gradients="zero")

    return function


MODES = {
    "eager": lambda function, dtype: function,
    "graph": lambda function, dtype: tf.function(function),
    "xla": lambda function, dtype: tf.function(function, jit_compile=True),
    "unknown sizes": lambda function, dtype: tf.function(
        function, input_signature=[tf.TensorSpec([None, WIDTH], dtype)] * 3
    ),
}


@pytest.mark.parametrize(("mode", "block"), [*((mode, 4) for mode in MODES), ("graph", 1), ("graph", 5)])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_blocks_give_the_values_and_gradients_of_one_call(mode, block, dtype, tolerance):
    """Also where the number of rows is no multiple of a block."""
    *given, weight = inputs(dtype)
    whole = with_gradients(ROWS, weight)(*given)
    in_blocks = MODES[mode](with_gradients(block, weight), dtype)(*given)
    assert len(whole) == len(in_blocks) == 7
    for ours, theirs in zip(in_blocks, whole, strict=True):
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * np.abs(theirs).max())


def test_the_size_of_a_block_may_be_known_only_when_the_step_runs():
    *given, weight = inputs("float64")
    whole = with_gradients(ROWS, weight)(*given)
    in_blocks = tf.function(with_gradients(tf.Variable(3), weight))(*given)
    for ours, theirs in zip(in_blocks, whole, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-11)


def test_few_rows_are_one_call_as_it_is():
    calls = []

    def double(rows, shared):
        calls.append(rows.shape[0])
        return 2 * rows

    for block in (5, 6):
        in_row_blocks(double, tf.ones([5]), (), block, tf.TensorSpec([], tf.float32))
    assert calls == [5, 5]


def test_blocks_are_of_nearly_one_size():
    """10 rows in blocks of at most 7 are 5 + 5, not 7 + 3 and 4 that are filled up."""
    calls = []

    def double(rows, shared):
        calls.append(rows.shape[0])
        return 2 * rows

    out = in_row_blocks(double, tf.range(10.0), (), 7, tf.TensorSpec([], tf.float32))
    np.testing.assert_array_equal(out, 2 * np.arange(10.0))
    assert calls == [5, 5]
