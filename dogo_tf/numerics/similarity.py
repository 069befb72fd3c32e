"""Numerics that losses share: at least float32, unit rows, cosines by one matrix product, large ones in blocks."""

from dogo_tf.numerics import recompute
from dogo_tf.platform.keras_compat import tf

# The most similarities that are held at once. Fewer save memory (32 MiB each in float32), more do not save time.
MOST_SIMILARITIES = 2**23


def at_least_float32(x):
    """Half precision is promoted to float32; float32 and float64 stay."""
    x = tf.convert_to_tensor(x)
    return tf.cast(x, tf.float32) if x.dtype in (tf.float16, tf.bfloat16) else x


def unit_rows(x):
    """[B, D] -> rows of length 1, at least float32; a zero row stays zero."""
    return tf.math.l2_normalize(at_least_float32(x), axis=-1)


def cosine_matrix(rows, columns):
    """Unit rows [b, D] and [B, D] -> their cosines [b, B], never a [b, B, D] tensor."""
    return tf.matmul(rows, columns, transpose_b=True)


def off_diagonal_squares(matrix):
    """The sum of the squares of a square matrix without its diagonal, scalar >= 0."""
    return tf.reduce_sum(tf.linalg.set_diag(matrix, tf.zeros_like(tf.linalg.diag_part(matrix))) ** 2)


def per_anchor(function, anchors, columns):
    """function(anchors, columns), for a block of anchors at a time if they have more than MOST_SIMILARITIES to the columns.

    Memory then grows with B instead of B * B; the blocks are computed again for the gradient.

    Args:
        function: (anchors, columns) -> [n], one number per anchor, of the dtype of the first of `anchors`.
        anchors: nest of tensors [n, ...]. columns: nest of tensors [B, ...], over all replicas.
    """
    dtype = tf.nest.flatten(anchors)[0].dtype
    count = recompute.shape(tf.nest.flatten(columns)[0])[0]
    at_least = max if isinstance(count, int) else tf.maximum
    block = at_least(MOST_SIMILARITIES // count, 1)
    return recompute.in_row_blocks(function, anchors, columns, block, tf.TensorSpec([], dtype))
