"""embed: every image once, in order, in inference mode; and what it refuses."""

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate import embed
from dogo_tf.platform.keras_compat import keras, tf


def pictures(count, size=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def small_encoder():
    keras.utils.set_random_seed(1)
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 64, -2.0)(images))
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(x)))


@pytest.mark.parametrize("count", [1, 4, 5, 11, 12])
def test_every_image_is_embedded_in_order(count):
    images = pictures(count)
    shapes = set()

    def means(batch):
        assert batch.dtype == np.uint8
        shapes.add(batch.shape)
        return batch.mean(axis=(1, 2))

    features = embed(means, images, batch_size=4)
    expected = [[image[..., channel].mean() for channel in range(3)] for image in images]
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, rtol=1e-6)
    assert shapes == {(min(count, 4), 8, 8, 3)}  # one batch shape: nothing is compiled for the last batch


def test_a_keras_model_runs_in_inference_mode_whatever_the_batch_size():
    encoder, images = small_encoder(), pictures(7)
    statistics = [[1, 2, 3, 4], [0, 1, 0, 1], [0.5, 0, -0.5, 0], [4, 3, 2, 1]]
    encoder.layers[-2].set_weights([np.array(values, np.float32) for values in statistics])
    expected = encoder(images.astype(np.float32), training=False).numpy()
    for batch_size in (3, 7, 100):
        np.testing.assert_allclose(embed(encoder, images, batch_size), expected, rtol=1e-5, atol=1e-5)


def test_repeated_probes_of_a_model_compile_once():
    traces = []
    inputs = keras.Input((8, 8, 3))

    def pooled(x):
        traces.append(1)
        return tf.reduce_mean(tf.cast(x, tf.float32), [1, 2])

    encoder = keras.Model(inputs, keras.layers.Lambda(pooled)(inputs))
    before = len(traces)
    for count in (10, 6, 9):
        embed(encoder, pictures(count), batch_size=4)
    assert len(traces) == before + 1


def test_later_weights_are_seen():
    encoder, images = small_encoder(), pictures(3)
    before = embed(encoder, images)
    encoder.set_weights([2 * weight for weight in encoder.get_weights()])
    assert not np.allclose(embed(encoder, images), before)


@pytest.mark.parametrize(
    "images, message",
    [
        (pictures(3) / 255, r"images: expected uint8 pixel values 0..255, got float64"),
        (pictures(3)[..., 0], r"images: expected shape \[N, height, width, 3\] with N >= 1, got \[3, 8, 8\]"),
        (pictures(0), r"images: expected shape .* with N >= 1, got \[0, 8, 8, 3\]"),
        (pictures(3, size=9), r"images: the encoder takes 8 x 8 x 3, got 9 x 9 x 3"),
    ],
)
def test_unusable_images_are_refused(images, message):
    with pytest.raises(InputError, match=message):
        embed(small_encoder(), images)


def test_unusable_encoders_are_refused():
    with pytest.raises(InputError, match=r"expected features of shape \[3, d\], got \[3, 8, 8, 3\]; pool"):
        embed(lambda batch: batch.astype(np.float32), pictures(3))
    with pytest.raises(InputError, match=r"NaN or infinite for 2 of 5 images \(first: image 1\)"):
        broken = np.array([[0.0], [np.nan], [1.0], [np.inf], [2.0]], np.float32)
        embed(lambda batch: broken, pictures(5))
    with pytest.raises(InputError, match="batch_size: expected at least 1, got 0"):
        embed(small_encoder(), pictures(3), batch_size=0)


def test_a_model_of_any_size_takes_any_size():
    inputs = keras.Input((None, None, 3))
    encoder = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs))
    assert embed(encoder, pictures(2, size=9)).shape == (2, 3)
