"""The two layers of vision transformers (ViTDet) that Keras does not have: what a network learns about places in the image."""

import numpy as np

from dogo_tf.platform.keras_compat import keras, tf


@keras.utils.register_keras_serializable("dogo_tf")
class LearnedMap(keras.layers.Layer):
    """x [B, H, W, C] -> x + w, with one weight for each place and channel, zero at first."""

    def build(self, input_shape):
        self.map = self.add_weight(name="map", shape=(1, *input_shape[1:]), initializer="zeros")
        super().build(input_shape)

    def call(self, x):
        return x + self.map


@keras.utils.register_keras_serializable("dogo_tf")
class RelativePositions(keras.layers.Layer):
    """Attention logits [B, heads, S*S, S*S] -> the same plus what queries [B, heads, S*S, C] say to the distances of the keys.

    A key that lies i rows below and j columns right of a query adds q.(r_i + c_j); r and c are learnt and zero at first
    (Li et al., "MViTv2", 2022, equation 4).

    Args:
        side: S, of the square that is attended to.
    """

    def __init__(self, side: int, **kwargs):
        super().__init__(**kwargs)
        self.side = side
        places = np.arange(side)
        self._index = places[:, None] - places[None, :] + side - 1  # of a query's distance to a key, counted from 0

    def build(self, input_shape):
        _logits, queries = input_shape
        shape = (2 * self.side - 1, queries[-1])
        self.rows = self.add_weight(name="rows", shape=shape, initializer="zeros")
        self.columns = self.add_weight(name="columns", shape=shape, initializer="zeros")
        super().build(input_shape)

    def call(self, inputs):
        logits, queries = inputs
        square = tf.reshape(queries, (-1, self.side, self.side, queries.shape[-1]))
        rows = tf.einsum("bhwc,hkc->bhwk", square, tf.gather(self.rows, self._index))
        columns = tf.einsum("bhwc,wkc->bhwk", square, tf.gather(self.columns, self._index))
        added = rows[..., :, None] + columns[..., None, :]  # [B * heads, S, S, S, S]
        return logits + tf.reshape(added, (-1, *logits.shape[1:]))

    def get_config(self):
        return {**super().get_config(), "side": self.side}
