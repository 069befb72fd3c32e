"""Parts of KerasCV's MixTransformer (Xie et al., "SegFormer", 2021) out of Keras' own layers.

KerasCV's compute with a number of images that has to be known, or hidden in a layer, and cannot be rebuilt from their
configurations.
"""

from dogo_tf.keras_compat import keras, tf


def attention(layer):
    """KerasCV's SegFormerMultiheadAttention: keys and values come from a smaller image. x [B, T, C] -> [B, T, C]."""

    def call(x):
        _, tokens, width = x.shape
        side, heads = round(tokens**0.5), layer.num_heads

        def split(x):  # [B, T, C] -> [B, heads, T, C / heads]
            return keras.layers.Permute((2, 1, 3))(keras.layers.Reshape((-1, heads, width // heads))(x))

        queries = split(_copy(layer.q)(x))
        if layer.sr_ratio > 1:
            # Channels first, then read as channels last: not the paper's picture, but KerasCV's network and its weights.
            x = keras.layers.Reshape((side, side, width))(keras.layers.Permute((2, 1))(x))
            x = keras.layers.Reshape((width, -1))(_copy(layer.sr)(x))
            x = _copy(layer.norm)(keras.layers.Permute((2, 1))(x))
        keys, values = split(_copy(layer.k)(x)), split(_copy(layer.v)(x))
        weights = keras.layers.Softmax()(tf.matmul(queries, keys, transpose_b=True) * layer.scale)
        x = keras.layers.Permute((2, 1, 3))(tf.matmul(weights, values))
        return _copy(layer.proj)(keras.layers.Reshape((tokens, width))(x))

    return call


def feed_forward(layer):
    """KerasCV's MixFFN: a perceptron with a depthwise convolution inside, which tells places apart. [B, T, C] -> [B, T, C]."""

    def call(x):
        side = round(x.shape[1] ** 0.5)
        x = _copy(layer.fc1)(x)
        tokens, width = x.shape[1:]
        x = _copy(layer.dwconv)(keras.layers.Reshape((side, side, width))(x))
        x = keras.layers.Reshape((tokens, width))(x)
        return _copy(layer.fc2)(tf.nn.gelu(x, approximate=True))

    return call


def _copy(layer):
    return type(layer).from_config(layer.get_config())


REPLACEMENTS = {"SegFormerMultiheadAttention": attention, "MixFFN": feed_forward}
