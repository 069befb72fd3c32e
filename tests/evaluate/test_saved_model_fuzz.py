"""Some thousand damaged SavedModels, always the same ones: each is an encoder or an InputError."""

import numpy as np
import pytest
from damage import cut, flipped

from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_encoder import SavedModelEncoder
from dogo_tf.evaluate.saved_model_scan import PROGRAM, check_saved_model
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras


@pytest.fixture
def folder(tmp_path):
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    x = keras.layers.ReLU()(keras.layers.Conv2D(2, 3)(images))
    model = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name="small")
    return export_saved_model(model, tmp_path / "saved")


@pytest.mark.slow
@pytest.mark.parametrize("reader, cases", [(check_saved_model, 1000), (SavedModelEncoder, 300)])
@pytest.mark.parametrize("damage", [flipped, cut])
def test_a_damaged_program_is_an_encoder_or_an_input_error(reader, cases, damage, folder):
    whole, rng, refused = (folder / PROGRAM).read_bytes(), np.random.default_rng(0), 0
    for _ in range(cases):
        (folder / PROGRAM).write_bytes(damage(whole, rng))
        try:
            reader(folder)
        except InputError:
            refused += 1
    assert refused
