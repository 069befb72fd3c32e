"""How TensorFlow and its Keras are found; in processes of their own, because it happens once."""

import os
import subprocess
import sys

import pytest


def run(code, **environment):
    kept = {
        name: value for name, value in os.environ.items() if name not in ("TF_USE_LEGACY_KERAS", "TF_CPP_MIN_LOG_LEVEL")
    }
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**kept, **environment})


@pytest.mark.slow
def test_tensorflow_may_be_imported_first():
    done = run("import tensorflow as tf, dogo_tf; print(issubclass(dogo_tf.DoGo, tf.keras.Model))")
    assert done.stdout == "True\n", done.stderr


@pytest.mark.slow
def test_keras_3_in_use_is_answered_with_what_to_do():
    done = run("import tensorflow as tf; tf.keras.Model; import dogo_tf")
    last = done.stderr.strip().splitlines()[-1]
    if tuple(map(int, _tensorflow_version().split(".")[:2])) < (2, 16):
        assert done.returncode == 0  # tf.keras is Keras 2 there
        return
    assert last.startswith(
        "ImportError: dogo_tf needs the Keras 2 API (tf-keras), but Keras 3 was already loaded as tf.keras"
    )
    assert "set TF_USE_LEGACY_KERAS=1" in last


# The first is quick, because the quick tier alone runs on the addons stack, where Keras would be mixed.
@pytest.mark.parametrize("environment", [{}, pytest.param({"TF_USE_LEGACY_KERAS": "1"}, marks=pytest.mark.slow)])
def test_what_is_loaded_and_cloned_is_of_the_same_keras_whatever_else_is_imported(environment):
    """KerasCV and tensorflow-addons import `keras`, which with TensorFlow 2.15 is a Keras 2, too."""
    code = """
from dogo_tf.platform.keras_compat import keras
import keras_cv
layer, schedule = keras.layers.Dense(3), keras.optimizers.schedules.CosineDecay(0.1, 3)
clones = [keras.layers.deserialize(keras.layers.serialize(layer))]
clones.append(keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule)))
assert isinstance(clones[0], keras.layers.Dense)
assert isinstance(clones[1], keras.optimizers.schedules.LearningRateSchedule)
"""
    done = run(code, **environment)
    assert done.returncode == 0, done.stderr


def test_start_up_lines_stay_off_the_screen_unless_asked_for():
    code = "import dogo_tf; from dogo_tf.platform.keras_compat import tf; tf.zeros(1)"
    assert run(code).stderr == ""
    assert run(code, TF_CPP_MIN_LOG_LEVEL="0").stderr != ""


@pytest.mark.slow
def test_start_up_lines_stay_off_the_screen_where_images_come_first():
    """TFDS imports TensorFlow by itself."""
    done = run("import dogo_tf; print(len(dogo_tf.data.load('patterns', 'train[:10]')))")
    assert (done.stdout, [line for line in done.stderr.splitlines() if "reading" not in line]) == ("10\n", [])


@pytest.mark.slow
def test_start_up_lines_of_a_program_that_is_started_stay_off_the_screen_too():
    code = "import dogo_tf; from dogo_tf.platform.keras_compat import tf; tf.zeros(1)"
    assert (
        run(f"import subprocess, sys; {code}; subprocess.run([sys.executable, '-c', {code!r}], check=True)").stderr
        == ""
    )


def _tensorflow_version():
    from dogo_tf.platform.keras_compat import tf

    return tf.__version__


ORDERS = {
    "tensorflow first": "import tensorflow as tf, dogo_tf",
    "dogo_tf first": "import dogo_tf, tensorflow as tf",
    "keras first": "import keras, dogo_tf, tensorflow as tf",
    "keras of tensorflow": "import dogo_tf, tensorflow as tf; from tensorflow import keras",
}
# The code of README's own order: a KerasCV encoder, and a callback by the module's name.
TRAINS = """
import numpy as np
peer = dogo_tf.Peer("mobilenet_v3_small", "simclr", image_size=32)
model = dogo_tf.DoGo([peer])
model.compile(tf.keras.optimizers.SGD(0.1))
from tensorflow.keras.callbacks import EarlyStopping
images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
model.fit(images, batch_size=4, verbose=0, callbacks=[EarlyStopping("loss")])
assert issubclass(EarlyStopping, tf.keras.callbacks.Callback) and issubclass(dogo_tf.DoGo, tf.keras.Model)
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_any_order_of_imports_trains_with_a_backbone_of_keras_cv_and_a_callback_of_tensorflow_keras(order):
    done = run(ORDERS[order] + TRAINS)
    assert done.returncode == 0, done.stderr[-3000:]
