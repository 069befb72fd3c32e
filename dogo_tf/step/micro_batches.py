"""Micro-batches: an encoder's activations are kept for a part of the batch at a time, while heads and losses see all of it.

Two passes: all embeddings first, then part by part the activations again for the gradient (Gao et al., 2021, "Scaling Deep
Contrastive Learning Batch Size under Memory Limited Setup").
"""

from dogo_tf.errors import InputError
from dogo_tf.numerics.recompute import in_row_blocks, shape
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.step import moving_averages


def encode(encoder, views, micro_batches: int):
    """The encoder's h [V * B, d_h] in training: of the first view, then of the second, ...

    A micro-batch is to batch normalisation what a replica without synchronisation is: all views of its images, statistics of
    its own; the moving averages then move by the mean over micro-batches.

    Args:
        encoder: keras.Model that passes `check`.
        views: V tensors [B, H, W, 3], each a view of the same B images.
        micro_batches: a number that divides B, else InputError (tf.errors.InvalidArgumentError if B is not known before).
    """
    count, images = len(views), tf.stack(views, axis=1)
    size = _images_of_each(images, micro_batches)
    images = tf.reshape(images, [micro_batches, size, *shape(images)[1:]])
    averages = moving_averages.of(encoder)
    start = moving_averages.values(averages)

    def of_micro_batch(images, _):
        """[1, size, V, H, W, 3] -> h [1, size, V, d_h] and where its statistics move the averages to, which stay here."""
        found = moving_averages.values(averages)
        moving_averages.assign(averages, start)
        h = encoder(tf.reshape(images, [-1, *images.shape[3:]]), training=True)
        moved = moving_averages.values(averages)
        moving_averages.assign(averages, found)
        return tf.reshape(h, [1, size, count, h.shape[-1]]), [x[tf.newaxis] for x in moved]

    static_size = size if isinstance(size, int) else None
    h_spec = tf.TensorSpec([static_size, count, encoder.output_shape[-1]], encoder.output.dtype)
    specs = h_spec, [tf.TensorSpec(x.shape, x.dtype) for x in start]
    h, moved = in_row_blocks(of_micro_batch, images, encoder.trainable_variables, block=1, row_specs=specs)
    moving_averages.assign(
        averages, [old + tf.reduce_mean(new - old, axis=0) for old, new in zip(start, moved, strict=True)]
    )
    return tf.concat([tf.reshape(h[:, :, view], [-1, h.shape[-1]]) for view in range(count)], axis=0)


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
