"""Micro-batches: an encoder's activations are kept for a part of the batch at a time, while heads and losses see all of it.

Two passes: all embeddings first, then part by part the activations again for the gradient (Gao et al., 2021, "Scaling Deep
Contrastive Learning Batch Size under Memory Limited Setup").
"""

from dogo_tf.errors import InputError
from dogo_tf.numerics.recompute import in_row_blocks, shape
from dogo_tf.platform.keras_compat import keras, tf


def encode(encoder, views, micro_batches: int):
    """The encoder's h [2B, d_h] in training: of view a, then of view b.

    A micro-batch is to batch normalisation what a replica without synchronisation is: both views of its images, statistics of
    its own; the moving averages then move by the mean over micro-batches.

    Args:
        encoder: keras.Model that passes `check`.
        views: Views of B images.
        micro_batches: a number that divides B, else InputError (tf.errors.InvalidArgumentError if B is not known before).
    """
    images = tf.stack([views.a, views.b], axis=1)
    size = _images_of_each(images, micro_batches)
    images = tf.reshape(images, [micro_batches, size, *shape(images)[1:]])
    averages = _moving_averages(encoder)
    start = _values(averages)

    def of_micro_batch(images, _):
        """[1, size, 2, H, W, 3] -> h [1, size, 2, d_h] and where its statistics move the averages to, which stay here."""
        found = _values(averages)
        _assign(averages, start)
        h = encoder(tf.reshape(images, [-1, *images.shape[3:]]), training=True)
        moved = _values(averages)
        _assign(averages, found)
        return tf.reshape(h, [1, size, 2, h.shape[-1]]), [x[tf.newaxis] for x in moved]

    static_size = size if isinstance(size, int) else None
    h_spec = tf.TensorSpec([static_size, 2, encoder.output_shape[-1]], encoder.output.dtype)
    specs = h_spec, [tf.TensorSpec(x.shape, x.dtype) for x in start]
    h, moved = in_row_blocks(of_micro_batch, images, encoder.trainable_variables, block=1, row_specs=specs)
    _assign(averages, [old + tf.reduce_mean(new - old, axis=0) for old, new in zip(start, moved, strict=True)])
    return tf.concat([tf.reshape(h[:, :, view], [-1, h.shape[-1]]) for view in (0, 1)], axis=0)


def check(peers, micro_batches: int) -> None:
    """InputError unless the peers' encoders give the same activations when they are computed again."""
    if micro_batches < 1:
        raise InputError(f"micro_batches: expected a whole number of at least 1, got {micro_batches}")
    for peer in peers if micro_batches > 1 else ():
        for part in peer.encoder.submodules:
            if isinstance(part, keras.__internal__.layers.BaseRandomLayer):
                problem = "draws random numbers, which would be others when its activations are computed again"
            elif getattr(part, "activity_regularizer", None) is not None:
                problem = "has a loss on activations, which are not kept"
            else:
                continue
            raise InputError(
                f"micro_batches: {part.name!r} in the encoder of peer {peer.name!r} {problem}; use 1, or another encoder"
            )


def _images_of_each(images, micro_batches: int):
    count = shape(images)[0]
    message = f"micro_batches: expected a number that divides the images on each replica; got {micro_batches}"
    if not isinstance(count, int):
        with tf.control_dependencies([tf.debugging.assert_equal(count % micro_batches, 0, message)]):
            return count // micro_batches
    if count % micro_batches:
        raise InputError(f"{message} for {count} images")
    return count // micro_batches


def _moving_averages(encoder) -> list:
    """What the layers would average over replicas, as batch normalisation does its statistics."""
    return [v for v in encoder.variables if v.aggregation == tf.VariableAggregation.MEAN and not v.trainable]


def _values(variables) -> list:
    return [tf.identity(variable) for variable in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
