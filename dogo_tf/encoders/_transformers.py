"""Parts of KerasCV's transformers out of Keras' own layers, for the adapter.

KerasCV's compute with a number of images that has to be known, record casts to the precision that they were built in, or cannot
be rebuilt from their configurations.
"""

from dogo_tf.platform.keras_compat import keras, tf


def reduced_attention(layer):
    """SegFormerMultiheadAttention (Xie et al., "SegFormer", 2021): keys and values come from a smaller image.

    The layer in its place maps x [B, T, C] -> [B, T, C].
    """

    def call(x):
        _, tokens, width = x.shape
        side, heads = round(tokens**0.5), layer.num_heads

        def split(x):  # [B, T, C] -> [B, heads, T, C / heads]
            return keras.layers.Permute((2, 1, 3))(keras.layers.Reshape((x.shape[1], heads, width // heads))(x))

        queries = split(_copy(layer.q)(x))
        if layer.sr_ratio > 1:
            # Channels first, then read as channels last: not the paper's picture, but KerasCV's network and its weights.
            x = keras.layers.Reshape((side, side, width))(keras.layers.Permute((2, 1))(x))
            x = keras.layers.Reshape((width, (side // layer.sr_ratio) ** 2))(_copy(layer.sr)(x))
            x = _copy(layer.norm)(keras.layers.Permute((2, 1))(x))
        keys, values = split(_copy(layer.k)(x)), split(_copy(layer.v)(x))
        weights = keras.layers.Softmax()(tf.matmul(queries, keys, transpose_b=True) * layer.scale)
        x = keras.layers.Permute((2, 1, 3))(tf.matmul(weights, values))
        return _copy(layer.proj)(keras.layers.Reshape((tokens, width))(x))

    return call


def feed_forward(layer):
    """MixFFN, from there too: a perceptron with a depthwise convolution inside, which tells places apart."""

    def call(x):
        side = round(x.shape[1] ** 0.5)
        x = _copy(layer.fc1)(x)
        tokens, width = x.shape[1:]
        x = _copy(layer.dwconv)(keras.layers.Reshape((side, side, width))(x))
        x = keras.layers.Reshape((tokens, width))(x)
        return _copy(layer.fc2)(tf.nn.gelu(x, approximate=True))

    return call


def windowed_block(layer):
    """WindowedTransformerEncoder of ViTDet (Li et al., 2022): attention within windows, or over the whole map [B, S, S, C]."""

    def call(features):
        _, side, _, width = features.shape
        x = _copy(layer.layer_norm1)(features)
        if layer.window_size:
            window = layer.window_size
            across = -(-side // window)  # windows in a row; the last may reach beyond the map
            beyond = across * window - side
            x = keras.layers.ZeroPadding2D(((0, beyond), (0, beyond)))(x)
            x = keras.layers.Permute((1, 3, 2, 4, 5))(tf.reshape(x, (-1, across, window, across, window, width)))
            x = _relative_attention(layer.attention, tf.reshape(x, (-1, window, window, width)))
            x = keras.layers.Permute((1, 3, 2, 4, 5))(tf.reshape(x, (-1, across, across, window, window, width)))
            x = tf.reshape(x, (-1, across * window, across * window, width))
            x = keras.layers.Cropping2D(((0, beyond), (0, beyond)))(x)
        else:
            x = _relative_attention(layer.attention, x)
        x = features = keras.layers.Add()([features, x])
        x = _copy(layer.layer_norm2)(x)
        for part in layer.mlp_block.dense_net.layers:
            x = _copy(part)(x)
        return keras.layers.Add()([features, x])

    return call


def _relative_attention(layer, x):
    """MultiHeadAttentionWithRelativePE: every place of a square [B, S, S, C] attends to all of them."""
    _, side, _, width = x.shape
    x = keras.layers.Reshape((side * side, 3, layer.num_heads, layer.key_dim))(_copy(layer.qkv)(x))
    queries, keys, values = tf.unstack(keras.layers.Permute((2, 3, 1, 4))(x), axis=1)  # [B, heads, S * S, C / heads]
    logits = tf.matmul(queries * layer.scale, keys, transpose_b=True)
    if layer.use_rel_pos:
        from dogo_tf.encoders._learned_maps import RelativePositions

        logits = RelativePositions(side, name=layer.add_decomposed_reative_pe.name)([logits, queries])
    x = tf.matmul(keras.layers.Softmax()(logits), values)
    x = keras.layers.Reshape((side, side, width))(keras.layers.Permute((2, 1, 3))(x))
    return _copy(layer.projection)(x)


def learned_map(layer):
    """AddPositionalEmbedding of ViTDet."""
    from dogo_tf.encoders._learned_maps import LearnedMap

    return LearnedMap(name=layer.name)


def _copy(layer):
    return type(layer).from_config(layer.get_config())


REPLACEMENTS = {
    "SegFormerMultiheadAttention": reduced_attention,
    "MixFFN": feed_forward,
    "WindowedTransformerEncoder": windowed_block,
    "AddPositionalEmbedding": learned_map,
}
