"""The one place that chooses the Keras: the Keras 2 API, on every supported TensorFlow.

It is `tf-keras` where the package `keras` is Keras 3, and `keras` itself with TensorFlow 2.15, where it is Keras 2. There may
be one Keras 2 only: KerasCV and tensorflow-addons import `keras`, and whatever tf-keras loads or clones from then on would be
of its classes (whole models never finish loading).

Keras 3 trains this package's networks 1.25-1.3 times slower on CPUs (its batch normalisation is not fused) and does not
promise the multi-worker and TPU strategies; see docs/decisions.md. Import `tf` and `keras` from here, or say
`from tensorflow import keras` after `import dogo_tf`.
"""

import importlib.metadata
import os
import sys

from dogo_tf.platform.quiet import captured_stderr

if importlib.metadata.version("keras").startswith("2."):
    os.environ["TF_USE_LEGACY_KERAS"] = "0"
else:
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")


def _import_tensorflow_quietly():
    """Imports TensorFlow with its start-up lines kept off the screen; they are shown if the import fails.

    TensorFlow writes them to file descriptor 2 before any log level applies, so the descriptor itself is redirected.
    Setting TF_CPP_MIN_LOG_LEVEL yourself brings the lines back.
    """
    if "tensorflow" in sys.modules or "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        import tensorflow

        return tensorflow
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    with captured_stderr():
        import tensorflow

        tensorflow.config.list_physical_devices()  # looks for CUDA, and says so once
    return tensorflow


tf = _import_tensorflow_quietly()
if not tf.keras.Model.__module__.startswith(("tf_keras.", "keras.src.engine", "keras.engine")):
    raise ImportError(
        "dogo_tf needs the Keras 2 API (tf-keras), but Keras 3 was already loaded as tf.keras "
        f"(tf.keras.Model is {tf.keras.Model.__module__}.Model). Import dogo_tf before you use tf.keras, or set "
        "TF_USE_LEGACY_KERAS=1 in the environment and install tf-keras of the same minor version as TensorFlow "
        f"({tf.__version__})."
    )

keras = tf.keras


def stable_dtype() -> str:
    """ "float64" if Keras computes in float64, else "float32": the type for normalisation, pooling and every softmax."""
    return "float64" if keras.backend.floatx() == "float64" else "float32"
