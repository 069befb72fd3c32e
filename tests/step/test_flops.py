"""Operations counted layer by layer against numbers worked out by hand and published ones."""

from equality import encoder, small

import dogo_tf
from dogo_tf import encoders
from dogo_tf.platform.keras_compat import keras
from dogo_tf.step.flops import multiply_accumulates, training_operations, with_share_of_teachers


def test_layers_count_as_worked_out_by_hand():
    x = inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, 2, "same")(x)  # 4 x 4 positions, 3 * 3 * 3 inputs, 4 outputs
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)  # 16 positions, 9 inputs, 4 channels
    x = keras.layers.Conv2D(6, 1, groups=2)(x)  # 16 positions, 2 inputs a group, 6 outputs
    x = keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(x))  # 6 x 5
    assert multiply_accumulates(keras.Model(inputs, x)) == 16 * 27 * 4 + 16 * 9 * 4 + 16 * 2 * 6 + 30


def test_known_networks_have_their_known_size():
    assert round(multiply_accumulates(encoders.build("wrn_10_2", 32)) / 1e6, 1) == 44.5
    assert round(multiply_accumulates(encoders.build("resnet_18", 32)) / 1e6, 1) == 555.4
    assert abs(multiply_accumulates(encoders.build("mobilenet_v2", 96)) / 1e6 - 55.0) < 0.5


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
