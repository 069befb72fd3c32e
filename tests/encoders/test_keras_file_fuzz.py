"""Some thousand damaged .keras files, always the same ones: each loads or is an InputError."""

import io
import json
import zipfile

import numpy as np
import pytest
from damage import cut, flipped

from dogo_tf.encoders._keras_file import load_keras_file
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras

CASES = 400  # of each kind
CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
ODD = [None, 7, -1, 0, 1.5, 1e308, float("nan"), True, "", "x", "\0", "../x", [], {}, [[]], [1, 2, 3], "a" * 10_000]
ODD += [{"class_name": "Dense"}, ["x", 0, 0], json.loads("[" * 200 + "]" * 200)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a file with a branch and a model within the model."""
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(2, 3)(images)
    y = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.BatchNormalization()])(x)
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()([x, y]) * 2.0)
    path = tmp_path_factory.mktemp("whole") / "whole.keras"
    keras.Model(images, features).save(path)
    assert load_keras_file(path).output_shape == (None, 2)
    return path.read_bytes()


def other_value(config: bytes, rng) -> bytes:
    """With one value of the configuration left out or of another type."""
    changed = json.loads(config)
    places = list(_places(changed))
    holder, key = places[rng.integers(len(places))]
    if rng.integers(5):
        holder[key] = ODD[rng.integers(len(ODD))]
    else:
        del holder[key]
    return json.dumps(changed).encode()


def _places(value):
    for key in range(len(value)) if isinstance(value, list) else list(value) if isinstance(value, dict) else ():
        yield value, key
        yield from _places(value[key])


def nested(_, rng) -> bytes:
    return b'{"config":[' * int(rng.integers(1, 50_000))


KINDS = {  # name -> (the member that is damaged, whose checksum then fits; None for the archive itself; how)
    "bits of the archive": (None, flipped),
    "end of the archive": (None, cut),
    "types of the configuration": (CONFIG, other_value),
    "bits of the configuration": (CONFIG, flipped),
    "nesting of the configuration": (CONFIG, nested),
    "bits of the weights": (WEIGHTS, flipped),
    "end of the weights": (WEIGHTS, cut),
    "bits of the metadata": (METADATA, flipped),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_loads_or_is_an_input_error(kind, whole, tmp_path):
    member, damage = KINDS[kind]
    rng, path, refused = np.random.default_rng(0), tmp_path / "damaged.keras", 0
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(CASES):
        content = io.BytesIO(damage(whole, rng) if member is None else b"")
        if member is not None:
            with zipfile.ZipFile(content, "w") as archive:
                for name, data in members.items():
                    archive.writestr(name, damage(data, rng) if name == member else data)
        path.write_bytes(content.getvalue())
        try:
            assert isinstance(load_keras_file(path), keras.Model)
        except InputError:
            refused += 1
    assert refused or kind == "bits of the metadata"
