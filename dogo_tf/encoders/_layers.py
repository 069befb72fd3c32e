"""Layers that the encoder families share, with the settings that training from scratch and export both need."""

from dogo_tf.platform.keras_compat import keras, stable_dtype, tf

# As in PyTorch (0.1 there). KerasCV's 0.999 leaves evaluation at chance level after a short run.
BATCH_NORM_MOMENTUM = 0.9

# Below this side, in pixels, residual and shuffle networks start without the stem that shrinks an image to a quarter.
SMALL_IMAGE = 100


def image_input(image_size, pixel_mean, pixel_std):
    """Input of pixel values 0..255 [H, W, 3] and the same normalised: (x - mean) / std per channel."""
    images = keras.Input((image_size, image_size, 3), name="images")
    # At full precision: bfloat16 has 8 significant bits, and views are not whole numbers.
    normalise = keras.layers.Rescaling(
        [1 / s for s in pixel_std],
        [-m / s for m, s in zip(pixel_mean, pixel_std, strict=True)],
        dtype=stable_dtype(),
        name="normalise",
    )
    return images, normalise(images)


def conv(x, filters, size, strides=1):
    """Convolution in front of (or behind) a batch normalisation: no bias, He initialisation over the fan-out.

    Padding is TensorFlow's "same": with stride 2 on an even side it pads one column on the right, where PyTorch pads both
    sides. It costs no extra operation on a device.
    """
    he = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    return keras.layers.Conv2D(filters, size, strides, "same", use_bias=False, kernel_initializer=he)(x)


def depthwise(x, kernel_size, strides=1):
    """Depthwise convolution in front of a batch normalisation; see `conv`."""
    he = keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
    return keras.layers.DepthwiseConv2D(kernel_size, strides, "same", use_bias=False, depthwise_initializer=he)(x)


def batch_norm(x):
    """Batch normalisation; its statistics run over all replicas if the layer is made under several."""
    return keras.layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=1e-5, synchronized=replicas() > 1)(x)


def replicas() -> int:
    """How many replicas the layers that are made now will train on."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def relu(x):
    return keras.layers.ReLU()(x)


def stem(x, image_size, filters, kernel_size):
    """The first layers: to a quarter of the side, or, for images below SMALL_IMAGE px, a 3x3 convolution at full size."""
    if image_size < SMALL_IMAGE:
        return relu(batch_norm(conv(x, filters, 3)))
    x = relu(batch_norm(conv(x, filters, kernel_size, strides=2)))
    return keras.layers.MaxPooling2D(3, 2, "same")(x)


def pool(x):
    """[B, H, W, d_h] -> h [B, d_h], in float32 also where the network computes in half precision."""
    return keras.layers.GlobalAveragePooling2D(dtype=stable_dtype(), name="h")(x)
