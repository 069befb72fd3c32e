"""Encoders of keras.applications and KerasCV by name: which there are, that they build offline, and which images they take."""

import inspect
import re
import socket

import numpy as np
import pytest

from dogo_tf import encoders
from dogo_tf.encoders import _adapter, keras_applications, keras_cv_backbones
from dogo_tf.encoders._keras_cv_presets import PRESETS
from dogo_tf.encoders._keras_file import load_keras_file
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.settings import peer_specs

NAMES = keras_applications.names() + keras_cv_backbones.names()
# They take clips, and point clouds.
NOT_IMAGES = ("VideoSwinBackbone", "CenterPillarBackbone")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise OSError("this test has no network")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def library_presets():
    """{name: number of parameters that KerasCV states, or None} of its backbones for images, without those with weights."""
    models = _adapter.import_keras_cv().models
    found = {}
    for _, kind in inspect.getmembers(models, inspect.isclass):
        if models.Backbone in kind.__bases__ and kind.__name__ not in NOT_IMAGES:
            fresh = kind.presets.keys() - kind.presets_with_weights.keys()
            found |= {name: kind.presets[name]["metadata"].get("params") for name in fresh}
    return found


def test_every_preset_of_kerascv_has_its_settings_here():
    assert set(PRESETS) == set(library_presets()) | {"vgg16"}  # a class without presets


def test_every_function_of_keras_applications_has_a_name():
    functions = {name for name in dir(keras.applications) if re.match("[A-Z]", name)}
    assert keras_applications.names() == sorted(f"keras.{name}" for name in functions)
    assert len(functions) > 70


def test_names_are_those_of_files_and_of_peers():
    assert all(re.fullmatch(r"\w[\w.+-]*", name) for name in NAMES)
    specs = peer_specs(["keras.DenseNet121:simsiam", "keras_cv.mit_b0"])
    assert specs[0] == ("keras.DenseNet121", "keras.DenseNet121", "simsiam")
    assert specs[1] == ("keras_cv.mit_b0", "keras_cv.mit_b0", "simclr")


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("keras.DenseNet", 32, "unknown network of keras.applications 'keras.DenseNet'; known: .*keras.DenseNet121"),
        ("keras_cv.mit", 32, "unknown backbone of KerasCV 'keras_cv.mit'; known: .*keras_cv.mit_b0"),
        (
            "densenet",
            32,
            "known: .*keras.<function of keras.applications> .*, keras_cv.<preset of a backbone for images>",
        ),
        ("keras.InceptionV3", 74, "image_size: the encoder 'keras.InceptionV3' needs at least 75 pixels; got 74"),
        ("keras.VGG16", 31, "image_size: the encoder 'keras.VGG16' needs at least 32 pixels; got 31"),
        ("keras.MobileNetV3Small", 16, "the encoder 'keras.MobileNetV3Small' needs at least 32 pixels; got 16"),
        ("keras_cv.vgg16", 31, "image_size: the encoder 'keras_cv.vgg16' needs at least 32 pixels; got 31"),
        ("keras_cv.mit_b0", 80, "'keras_cv.mit_b0' needs at least 64 pixels, a multiple of 32; got 80"),
        ("keras_cv.vitdet_base", 8, "'keras_cv.vitdet_base' needs at least 16 pixels, a multiple of 16; got 8"),
        ("keras.Xception", 31, "image_size: the encoder 'keras.Xception' needs at least 32 pixels; got 31"),
        ("keras.DenseNet121", 31, "image_size: the encoder 'keras.DenseNet121' needs at least 32 pixels; got 31"),
        ("keras.InceptionV3", 16, "image_size: the encoder 'keras.InceptionV3' needs at least 75 pixels; got 16"),
        ("keras_cv.resnet18", 16, "image_size: the encoder 'keras_cv.resnet18' needs at least 32 pixels; got 16"),
        (
            "keras_cv.csp_darknet_tiny",
            16,
            "'keras_cv.csp_darknet_tiny' needs at least 32 pixels, a multiple of 2; got 16",
        ),
        (
            "mobilenet_v2",
            16,
            "image_size: the encoder 'mobilenet_v2' needs at least 32 pixels; got 16; "
            "resnet_18, shufflenet_v2 and wrn_10_2 take any side from 8 pixels",
        ),
    ],
)
def test_what_is_said_to_unknown_names_and_unusable_sizes(name, size, message):
    with pytest.raises(InputError, match=message):
        encoders.build(name, size)


def test_small_images_are_taken_where_the_network_works_on_them():
    """Here the library would refuse them: it states 71 pixels."""
    assert encoders.build("keras.Xception", 32).input_shape == (None, 32, 32, 3)


# A small one of each family.
FAMILIES = [
    *(
        "ConvNeXtTiny",
        "DenseNet121",
        "EfficientNetB0",
        "EfficientNetV2B0",
        "InceptionResNetV2",
        "InceptionV3",
        "MobileNet",
    ),
    *("MobileNetV2", "MobileNetV3Small", "NASNetMobile", "RegNetX002", "ResNet50", "ResNet50V2", "ResNetRS50", "VGG16"),
    *("VGG19", "Xception"),
]
PRESET_FAMILIES = [
    *(
        "resnet18",
        "resnet18_v2",
        "densenet121",
        "vgg16",
        "mobilenet_v3_small",
        "efficientnetlite_b0",
        "efficientnetv1_b0",
    ),
    *("efficientnetv2_b0", "csp_darknet_tiny", "yolo_v8_xs_backbone", "mit_b0", "vitdet_base"),
]


def test_every_family_has_its_small_one_in_the_slow_test():
    families = {getattr(keras.applications, name).__module__ for name in FAMILIES}
    functions = [name.removeprefix("keras.") for name in keras_applications.names()]
    assert families == {getattr(keras.applications, name).__module__ for name in functions}
    assert {PRESETS[name].kind for name in PRESET_FAMILIES} == {preset.kind for preset in PRESETS.values()}


@pytest.mark.slow
@pytest.mark.parametrize("name", [f"keras.{n}" for n in FAMILIES] + [f"keras_cv.{n}" for n in PRESET_FAMILIES])
def test_every_family_is_built_without_the_network_and_loaded_from_its_file(name, no_network, tmp_path):
    """All names: benchmarks/backbones.py."""
    keras.backend.clear_session()
    size = 75 if "Inception" in name else 64
    encoder = encoders.build(name, size)
    total_stride = size // encoder.get_layer("h").input_shape[1]
    with pytest.raises(InputError, match="needs at least"):
        encoders.build(name, total_stride - 1)
    assert encoder.name == name and encoder.input_shape == (None, size, size, 3)
    images = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    h = encoder(images)
    assert h.shape == (2, encoder.output_shape[1]) and h.dtype == tf.float32 and np.isfinite(h).all()
    encoder.save(tmp_path / "encoder.keras", save_format="keras")
    np.testing.assert_array_equal(load_keras_file(tmp_path / "encoder.keras")(images), h)
    stated = library_presets().get(name.removeprefix("keras_cv."))
    if stated and name != "keras_cv.vitdet_base":  # whose number depends on the image's size
        assert encoder.count_params() == pytest.approx(stated, rel=0.01)
