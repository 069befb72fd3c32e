"""A memory of the embeddings of earlier steps, to compare with more images than a batch has (MoCo, SEED, CompRess)."""

from dogo_tf.distribution import collectives
from dogo_tf.numerics.similarity import unit_rows
from dogo_tf.platform.keras_compat import keras, stable_dtype, tf


class EmbeddingQueue(keras.layers.Layer):
    """The newest `size` unit rows that were pushed, [size, width]; random directions before there are so many.

    Attributes:
        rows: variable [size, width], the newest first, the same on every replica.
    """

    def __init__(self, size: int, width: int, name: str = "queue"):
        super().__init__(name=name, dtype=stable_dtype())
        self.rows = self.add_weight(
            "rows",
            [size, width],
            initializer=_random_directions,
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        self.built = True

    def push(self, rows) -> None:
        """rows [b, width] of this replica, or [b, n, width], n for each image; those of all replicas are kept."""
        width = self.rows.shape[-1]
        new = tf.reshape(collectives.gather(unit_rows(rows)), [-1, width])
        # Moved along rather than overwritten in place: static shapes, whatever the sizes of batch and queue.
        moved = tf.concat([tf.cast(new, self.rows.dtype), self.rows], axis=0)
        self.rows.assign(moved[: self.rows.shape[0]])

    def push_both(self, a, b) -> None:
        """[b, width] of both views of this replica's images: the two rows of an image stay together."""
        # Joined rather than stacked: a cached teacher's views are one tensor, and of a tensor stacked on itself Grappler
        # (TensorFlow 2.21) makes a Tile of another input of the step, refuses its own graph, and writes that to the screen.
        self.push(tf.reshape(tf.concat([a, b], axis=1), [-1, 2, self.rows.shape[-1]]))


def _random_directions(shape, dtype=None, **kwargs):
    return unit_rows(keras.initializers.RandomNormal()(shape, dtype=dtype))
