"""Multilayer perceptrons on top of an encoder: projectors and predictors."""

from __future__ import annotations

from dogo_tf.encoders._layers import batch_norm, relu
from dogo_tf.platform.keras_compat import keras


def mlp(name: str, width_in: int, widths: tuple[int, ...], norm_last: bool, bias_last: bool = True) -> keras.Model:
    """[B, width_in] -> [B, widths[-1]]: linear (no bias), batch normalisation and ReLU per hidden width.

    The last layer is linear with a bias (`bias_last`), or, with `norm_last`, linear without bias and batch-normalised.
    """
    x = inputs = keras.Input((width_in,))
    for width in widths[:-1]:
        x = relu(batch_norm(keras.layers.Dense(width, use_bias=False)(x)))
    x = keras.layers.Dense(widths[-1], use_bias=bias_last and not norm_last)(x)
    return keras.Model(inputs, batch_norm(x) if norm_last else x, name=name)
