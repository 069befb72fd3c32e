"""Numerics that losses share: at least float32, unit rows, cosines by one matrix product, what is off the diagonal."""

from dogo_tf.keras_compat import tf


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
