"""How TensorFlow and its Keras are found; in processes of their own, because it happens once."""

import os
import subprocess
import sys


def run(code, **environment):
    kept = {
        name: value for name, value in os.environ.items() if name not in ("TF_USE_LEGACY_KERAS", "TF_CPP_MIN_LOG_LEVEL")
    }
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**kept, **environment})


def test_tensorflow_may_be_imported_first():
    done = run("import tensorflow as tf, dogo_tf; print(tf.keras.Model is dogo_tf.DoGo.__mro__[1])")
    assert done.stdout == "True\n", done.stderr


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


def test_what_is_loaded_and_cloned_is_of_the_same_keras_whatever_else_is_imported():
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
    for environment in ({}, {"TF_USE_LEGACY_KERAS": "1"}):
        done = run(code, **environment)
        assert done.returncode == 0, done.stderr


def test_start_up_lines_stay_off_the_screen_unless_asked_for():
    code = "import dogo_tf; from dogo_tf.platform.keras_compat import tf; tf.zeros(1)"
    assert run(code).stderr == ""
    assert run(code, TF_CPP_MIN_LOG_LEVEL="0").stderr != ""


def _tensorflow_version():
    from dogo_tf.platform.keras_compat import tf

    return tf.__version__
