"""Some thousand damaged .tflite files, always the same ones: each is an encoder or a ValueError."""

import hashlib
import json

import numpy as np
import pytest
from damage import cut, flipped

from dogo_tf.export import metadata, runtime, tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras

CASES = 800  # of each kind
ODD = [None, 7, 1.5, True, "", "abc", [], {}, [1], ["a", 1], [["a"]], {"a": "b"}, "a" * 10_000, float("nan"), ["a"] * 9]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(the bytes of a model, the same with its description inside)."""
    folder = tmp_path_factory.mktemp("whole")
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    x = keras.layers.ReLU()(keras.layers.Conv2D(2, 3)(images))
    encoder = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name="small")
    model = tflite.convert(export_saved_model(encoder, folder / "saved"), ["float32"])["float32"]
    metadata.write(folder / "a.tflite", model, metadata.describe(encoder, "small", "float32", model, {}))
    return model, (folder / "a.tflite").read_bytes()


def used(model) -> bool:
    """Whether it is refused; an encoder is run once."""
    try:
        features = runtime.Encoder(model).features(np.zeros((8, 8, 3), np.uint8))
    except ValueError:
        return True
    assert features.dtype == np.float32
    return False


@pytest.mark.slow
@pytest.mark.parametrize("inside", [True, False], ids=["described", "alone"])
@pytest.mark.parametrize("damage", [flipped, cut])
def test_a_damaged_file_is_an_encoder_or_a_value_error(damage, inside, files):
    rng = np.random.default_rng(0)
    assert sum(used(damage(files[inside], rng)) for _ in range(CASES))


@pytest.mark.slow
def test_a_description_of_other_types_is_a_value_error_or_harmless(files, tmp_path):
    model, rng = files[0], np.random.default_rng(0)
    whole = {"sha256": hashlib.sha256(model).hexdigest(), "labels": [], "encoder": "small", "outputs": {}}
    path, refused = tmp_path / "a.tflite", 0
    path.write_bytes(model)
    for _ in range(CASES):
        changed = whole | {list(whole)[rng.integers(len(whole))]: ODD[rng.integers(len(ODD))]}
        text = json.dumps(changed if rng.integers(8) else [changed])
        text = "[" * int(rng.integers(50_000)) if not rng.integers(8) else text
        path.with_suffix(".json").write_text(text)
        refused += used(path)
    assert 0 < refused < CASES
