"""Operations counted layer by layer against numbers worked out by hand and published ones."""

import re

import pytest
from equality import encoder, small

import dogo_tf
from dogo_tf import Edge, encoders
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras
from dogo_tf.step.average_teacher import between_peers
from dogo_tf.step.flops import multiply_accumulates, training_operations, with_share_of_teachers


def test_layers_count_as_worked_out_by_hand():
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, 2, "same")(x)  # 4 x 4 positions, 3 * 3 * 3 inputs, 4 outputs
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)  # 16 positions, 9 inputs, 4 channels
    x = keras.layers.Conv2D(6, 1, groups=2)(x)  # 16 positions, 2 inputs a group, 6 outputs
    x = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(x))  # 6 x 5
    assert multiply_accumulates(keras.Model(inputs, x)) == 16 * 27 * 4 + 16 * 9 * 4 + 16 * 2 * 6 + 30


def count(shape, *layers) -> int:
    x = inputs = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return multiply_accumulates(keras.Model(inputs, x, name="net"))


def test_a_separable_convolution_counts_both_of_its_parts():
    layers = keras.layers
    # 4 x 4 positions; 9 inputs for each of 3 channels, twice over; 6 inputs, 5 outputs
    assert count((8, 8, 3), layers.SeparableConv2D(5, 3, 2, "same", depth_multiplier=2)) == 16 * (9 * 3 * 2 + 6 * 5)
    assert count((8, 3), layers.SeparableConv1D(5, 3)) == 6 * (3 * 3 + 3 * 5)
    assert count((8, 8, 3), layers.Conv2D(5, 1), layers.SeparableConv2D(4, 3)) == 64 * 15 + 36 * (9 * 5 + 5 * 4)


def test_convolutions_over_one_and_three_axes_and_transposed_ones_count():
    layers = keras.layers
    assert count((8, 3), layers.Conv1D(4, 3)) == 6 * 9 * 4
    assert count((8, 3), layers.DepthwiseConv1D(3, padding="same")) == 8 * 3 * 3
    assert count((4, 4, 4, 2), layers.Conv3D(3, 2)) == 27 * 8 * 2 * 3
    # Each of 4 x 4 positions of the input is added to 3 x 3 of the output, from 2 to 5 channels.
    assert count((4, 4, 2), layers.Conv2DTranspose(5, 3, 2, "same")) == 16 * 9 * 2 * 5
    assert count((4, 2), layers.Conv1DTranspose(5, 3, 2, "same")) == 4 * 3 * 2 * 5
    # Channels first: 3 channels of 8 x 8.
    assert count((3, 8, 8), layers.Conv2D(4, 3, data_format="channels_first")) == 36 * 27 * 4


class Local(keras.layers.Layer):
    """A convolution of a class of its own, made of a layer inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inside = keras.layers.Conv2D(2, 3)

    def call(self, x):
        return self.inside(x)


def test_a_layer_with_a_kernel_that_cannot_be_counted_is_refused_and_named():
    message = (
        "encoder: expected kernels in layers of keras.layers whose operations can be counted (Dense, Conv1D, Conv2D, Conv3D, "
        "Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, "
        "SeparableConv2D) or of classes derived from them; the layer 'odd' of 'net' is a test_flops.Local; build the encoder "
        "of those, or count this class in dogo_tf/step/flops.py"
    )
    with pytest.raises(InputError, match=re.escape(message)):
        count((8, 8, 3), Local(name="odd"))
    with pytest.raises(InputError, match="the layer 'unshared' of 'net' is a .*LocallyConnected2D"):
        count((8, 8, 3), keras.layers.LocallyConnected2D(2, 3, name="unshared"))
    # What has no kernel takes next to nothing, whatever it is called.
    assert count((8, 8, 3), keras.layers.BatchNormalization(name="kernel"), keras.layers.ReLU()) == 0


def test_known_networks_have_their_known_size():
    assert round(multiply_accumulates(encoders.build("wrn_10_2", 32)) / 1e6, 1) == 44.5
    assert round(multiply_accumulates(encoders.build("resnet_18", 32)) / 1e6, 1) == 555.4
    assert abs(multiply_accumulates(encoders.build("mobilenet_v2", 96)) / 1e6 - 55.0) < 0.5


@pytest.mark.slow
def test_networks_of_separable_convolutions_have_their_known_size():
    assert (
        round(2 * multiply_accumulates(encoders.build("keras.Xception", 64)) / 1e6) == 727
    )  # as TensorFlow's profiler has it


def test_a_training_step_makes_two_views_and_three_passes():
    peer = dogo_tf.Peer("wrn_10_1", image_size=8)
    forward = multiply_accumulates(peer.encoder) + 64 * 512 + 512 * 128
    assert training_operations(peer) == 12 * forward


def test_a_target_counts_its_forward_passes():
    peer = dogo_tf.Peer(encoder("peer", 6, "relu"), small("byol"))
    projector, predictor = 6 * 12 + 12 * 8, 8 * 16 + 16 * 8
    convolution = 3 * 3 * 6 * 3 * 3 * 3  # positions, outputs, inputs
    assert multiply_accumulates(peer.encoder) == convolution
    learning, following = convolution + projector + predictor, convolution + projector
    assert training_operations(peer) == 2 * 2 * (3 * learning + following)


def test_students_of_one_peer_share_its_operations():
    own = {"small": 1.0, "medium": 2.0, "big": 12.0}
    star = [("big", "small"), ("small", "big"), ("big", "medium"), ("frozen", "medium")]
    assert with_share_of_teachers(own, star) == {"small": 7.0, "medium": 8.0, "big": 13.0}
    assert with_share_of_teachers(own, []) == own


def test_who_is_taught_by_an_average_bears_the_operations_of_its_peer():
    own = {"small": 1.0, "big": 12.0}
    averages = {"small_ema": "small", "big_ema": "big"}
    edges = [Edge("big_ema", "small"), Edge("small_ema", "big"), Edge("frozen", "small")]
    assert between_peers(edges, averages) == [("big", "small"), ("small", "big"), ("frozen", "small")]
    # Once, also where peer and average teach the same student; and nobody bears itself twice.
    edges += [Edge("big", "small"), Edge("small_ema", "small"), Edge("big_ema", "big")]
    assert with_share_of_teachers(own, between_peers(edges, averages)) == {"small": 13.0, "big": 13.0}
