"""The JSON file beside a .tflite file."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from dogo_tf.errors import InputError
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import metadata
from dogo_tf.export.runtime import Encoder
from dogo_tf.platform.keras_compat import keras

OUTPUTS = {"features": {"dtype": "int8", "shape": [None, 8], "scale": 0.25, "zero_point": -128}}


def test_it_states_the_contract(encoder, tmp_path):
    data = b"stands for a model"
    sidecar = metadata.write(
        tmp_path / "new" / "small.tflite",
        data,
        metadata.describe(encoder, "edge", "int8", data, OUTPUTS, labels=["a", "b"]),
    )
    assert sidecar == tmp_path / "new" / "small.json"
    content = (tmp_path / "new" / "small.tflite").read_bytes()
    assert content.startswith(data)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("metadata.json").decode() == sidecar.read_text()
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
    assert told["outputs"] == OUTPUTS and told["labels"] == ["a", "b"]
    assert (told["encoder"], told["variant"], told["format_version"]) == ("edge", "int8", 2)
    assert told["package"].startswith("dogo-tf ")
    assert told["sha256"] == hashlib.sha256(data).hexdigest() and told["size_bytes"] == len(data)


def test_an_unknown_normalisation_is_null():
    images = keras.Input((8, 8, 3))
    encoder = keras.Model(images, keras.layers.GlobalAveragePooling2D()(images))
    told = metadata.describe(encoder, "any", "float32", b"", {})
    assert told["input"]["mean"] is None and told["input"]["std"] is None


def test_every_format_still_loads_with_the_description_inside_and_gives_the_same(
    tflite_files, encoder, images, tmp_path
):
    for name, data in tflite_files.items():
        stated = TFLiteEncoder(data).stated_outputs
        path = tmp_path / f"{name}.tflite"
        metadata.write(path, data, metadata.describe(encoder, "small", name, data, stated)).unlink()
        loaded = Encoder(path)
        assert loaded.metadata["variant"] == name and loaded.metadata["outputs"] == stated == loaded.outputs
        np.testing.assert_array_equal(loaded.run(images)["features"], TFLiteEncoder(data)(images))
    assert stated["features"]["dtype"] == "int8" and stated["features"]["zero_point"] == -128


def test_the_model_is_not_overwritten_by_its_description(tmp_path):
    with pytest.raises(InputError, match="expected a name ending in .tflite"):
        metadata.write(tmp_path / "small.json", b"", {})
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        metadata.write(tmp_path / "file" / "small.tflite", b"", {})
