"""The JSON file beside a .tflite file."""

import hashlib
import json

import pytest

from dogo_tf.errors import InputError
from dogo_tf.export import metadata
from dogo_tf.export.parity import Parity
from dogo_tf.keras_compat import keras

PARITY = Parity(1e-6, 1e-7, 1.0, 0.99999, 1e-6, 1.0, 256)


def test_it_states_the_contract(encoder, tmp_path):
    data = b"stands for a model"
    sidecar = metadata.write(
        tmp_path / "new" / "small.tflite", data, metadata.describe(encoder, "float16", data, PARITY)
    )
    assert sidecar == tmp_path / "new" / "small.json"
    assert (tmp_path / "new" / "small.tflite").read_bytes() == data
    assert sorted(path.name for path in sidecar.parent.iterdir()) == ["small.json", "small.tflite"]
    told = json.loads(sidecar.read_text())
    assert told["input"] == {
        "name": "images",
        "dtype": "uint8",
        "shape": [None, 16, 12, 3],
        "layout": "NHWC",
        "colour_order": "RGB",
        "value_range": [0, 255],
        "normalised_in_graph": True,
        "mean": [120.0, 110.0, 100.0],
        "std": [60.0, 50.0, 55.0],
    }
    assert told["output"] == {"name": "features", "dtype": "float32", "shape": [None, 8]}
    assert (told["encoder"], told["variant"], told["format_version"]) == ("small", "float16", 1)
    assert told["package"].startswith("dogo-tf ")
    assert told["sha256"] == hashlib.sha256(data).hexdigest() and told["size_bytes"] == len(data)
    assert told["parity_with_keras"]["cosine_min"] == 0.99999 and told["parity_with_keras"]["images"] == 256


def test_an_unknown_normalisation_is_null():
    images = keras.Input((8, 8, 3))
    encoder = keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))
    told = metadata.describe(encoder, "float32", b"", PARITY)
    assert told["input"]["mean"] is None and told["input"]["std"] is None


def test_the_model_is_not_overwritten_by_its_description(tmp_path):
    with pytest.raises(InputError, match="expected a name ending in .tflite"):
        metadata.write(tmp_path / "small.json", b"", {})
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        metadata.write(tmp_path / "file" / "small.tflite", b"", {})
