"""The contract that every encoder by name fulfils, and what is particular to a family."""

import numpy as np
import pytest

from dogo_tf import encoders
from dogo_tf.encoders._precision import as_float32
from dogo_tf.errors import InputError
from dogo_tf.platform import plugins
from dogo_tf.platform.keras_compat import keras, tf

# One small member of each family and a side of image that suits it; the contract test fails if a family has none here.
MEMBERS = {
    "efficientnet_lite": ("efficientnet_lite_b0", 64),
    "keras_applications": ("keras.RegNetX002", 32),
    "keras_cv_backbones": ("keras_cv.yolo_v8_xs_backbone", 32),
    "mobilenet_v2": ("mobilenet_v2", 64),
    "mobilenet_v3": ("mobilenet_v3_small", 64),
    "resnet": ("resnet_18", 16),
    "shufflenet_v2": ("shufflenet_v2", 32),
    "wrn": ("wrn_10_1", 16),
    "small_conv": ("small_conv", 32),  # of the tests
}
# Networks of other libraries, also in test_adapter.py, and dear ones.
SLOW = ("efficientnet_lite", "keras_applications", "keras_cv_backbones", "mobilenet_v3")
STATISTICS = {"pixel_mean": (100, 120, 140), "pixel_std": (50, 60, 70)}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(family, marks=pytest.mark.slow if family in SLOW else ())
        for family in plugins.names("dogo_tf.encoders")
    ],
)
def encoder(request):
    return encoders.build(*MEMBERS[request.param], **STATISTICS)


@pytest.fixture
def images(encoder):
    return np.random.default_rng(0).integers(0, 256, (4, *encoder.input_shape[1:]), dtype=np.uint8)


def batch_norms(model):
    return [layer for layer in model.submodules if isinstance(layer, keras.layers.BatchNormalization)]


def test_pixels_become_pooled_float_features(encoder, images):
    h = encoder(images)
    assert h.shape == (4, encoder.output_shape[1]) and h.dtype == tf.float32
    assert np.isfinite(h).all() and np.std(h, axis=0).max() > 0


def test_uint8_and_float_pixels_are_the_same_input(encoder, images):
    np.testing.assert_array_equal(encoder(images), encoder(images.astype(np.float32)))


def test_images_that_it_would_shrink_to_less_than_a_place_are_refused(encoder):
    total_stride = encoder.input_shape[1] // encoder.get_layer("h").input_shape[1]
    least = max(total_stride, 8)  # 8 for every encoder
    with pytest.raises(InputError, match=f"image_size: .* at least {least} pixels.* got {least - 1}"):
        encoders.build(encoder.name, least - 1)


def test_the_given_statistics_are_those_of_the_normalisation(encoder, images):
    inside = keras.Model(encoder.input, encoder.get_layer("normalise").output)
    expected = (images - np.array([100, 120, 140])) / np.array([50, 60, 70])
    np.testing.assert_allclose(inside(images), expected, atol=1e-5)


def test_every_weight_learns(encoder, images):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(encoder(images, training=True) ** 2)
    gradients = tape.gradient(loss, encoder.trainable_variables)
    silent = [
        variable.name
        for variable, gradient in zip(encoder.trainable_variables, gradients, strict=True)
        if gradient is None or not np.any(gradient)
    ]
    assert silent == []


def test_a_saved_file_gives_the_same_features_in_safe_mode(encoder, images, tmp_path):
    encoder.save(tmp_path / "encoder.keras", save_format="keras")
    loaded = keras.models.load_model(tmp_path / "encoder.keras", compile=False)
    np.testing.assert_array_equal(loaded(images), encoder(images))
    assert {layer.momentum for layer in batch_norms(loaded)} == {0.9}


def test_the_statistics_of_batch_normalisation_follow_within_a_few_steps(encoder):
    assert {layer.momentum for layer in batch_norms(encoder)} == {0.9}


@pytest.mark.slow
def test_half_precision_computes_features_in_float32_and_becomes_float32(encoder, images):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        half = encoders.build(encoder.name, encoder.input_shape[1], **STATISTICS)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    half.set_weights(encoder.get_weights())
    assert half(images).dtype == tf.float32
    assert not np.array_equal(half(images), encoder(images))
    np.testing.assert_array_equal(as_float32(half)(images), encoder(images))


@pytest.mark.parametrize(
    ("name", "parameters", "width"),
    [
        # Counted by hand from the papers' tables: convolutions, batch-norm scale, offset and both statistics.
        ("wrn_10_2", 303_344, 128),
        ("wrn_16_2", 692_208, 128),
        ("resnet_18", 11_178_432, 512),
        pytest.param("resnet_50", 23_553_472, 2048, marks=pytest.mark.slow),
        # 1,253,604 that learn, which is the authors' 2.28 M without the classifier's 1024 x 1000 + 1000; and the statistics.
        ("shufflenet_v2", 1_269_784, 1024),
        # As keras.applications counts without the classifier; its EfficientNets are not the Lite ones, KerasCV's are.
        ("mobilenet_v2", 2_257_984, 1280),
        ("mobilenet_v3_small", 939_120, 576),
        ("mobilenet_v3_small_minimalistic", 441_000, 576),
        pytest.param("mobilenet_v3_large", 2_996_352, 960, marks=pytest.mark.slow),
        pytest.param("efficientnet_lite_b0", 3_413_024, 1280, marks=pytest.mark.slow),
    ],
)
def test_published_sizes(name, parameters, width):
    encoder = encoders.build(name, 32)
    assert (encoder.count_params(), encoder.output_shape) == (parameters, (None, width))


def test_wrn_has_the_depth_of_its_name():
    for depth in (10, 16, 22):
        model = encoders.build(f"wrn_{depth}_1", 32)
        convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
        on_the_main_path = [layer for layer in convolutions if layer.kernel_size == (3, 3)]
        assert len(on_the_main_path) == depth - 3  # depth counts the shortcuts' two 1x1 convolutions and the classifier


def test_resnet_34_at_224_pixels_is_deeper_than_18_and_has_the_large_stem():
    deep, shallow = encoders.build("resnet_34", 224), encoders.build("resnet_18", 224)
    assert deep.count_params() > 1.8 * shallow.count_params()
    first = next(layer for layer in deep.layers if isinstance(layer, keras.layers.Conv2D))
    assert first.kernel_size == (7, 7) and first.strides == (2, 2)
    assert any(isinstance(layer, keras.layers.MaxPooling2D) for layer in deep.layers)


def test_small_images_get_the_small_stem():
    for name in ("resnet_18", "shufflenet_v2"):
        small = encoders.build(name, 96)
        first = next(layer for layer in small.layers if isinstance(layer, keras.layers.Conv2D))
        assert first.kernel_size == (3, 3) and first.strides == (1, 1)
        assert not any(isinstance(layer, keras.layers.MaxPooling2D) for layer in small.layers)
