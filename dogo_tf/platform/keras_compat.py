"""The one place that chooses the Keras: the Keras 2 API, on every supported TensorFlow.

It is `tf-keras` where the package `keras` is Keras 3, and `keras` itself with TensorFlow 2.15, where it is Keras 2. There may
be one Keras 2 only: KerasCV and tensorflow-addons import `keras`, and whatever tf-keras loads or clones from then on would be
of its classes (whole models never finish loading).

Keras 3 trains this package's networks 1.25-1.3 times slower on CPUs (its batch normalisation is not fused) and does not
promise the multi-worker and TPU strategies; see docs/decisions.md. Import `tf` and `keras` from here, or say
`from tensorflow import keras` before or after `import dogo_tf`.

`tf` and `keras` load TensorFlow, which takes seconds, at the first use of one of their attributes: a module that uses them
inside of functions only can be imported by what must answer at once, as a binary that is asked for --help.
"""

import functools
import importlib.metadata
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from dogo_tf.platform.quiet import captured_stderr


class _OnUse(ModuleType):
    """Stands for a module that `load` returns, from the first use of an attribute on."""

    def __init__(self, name: str, load):
        super().__init__(name)
        self._load = load

    def __getattr__(self, name: str):
        return getattr(self._load(), name)


def _choose_keras() -> None:
    """For a TensorFlow that comes later, by its environment variable; one that is loaded already is put right at once."""
    if importlib.metadata.version("keras").startswith("2."):
        os.environ["TF_USE_LEGACY_KERAS"] = "0"
    else:
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    if "tensorflow" in sys.modules:
        load_tensorflow()


@functools.cache
def load_tensorflow() -> ModuleType:
    """TensorFlow, whose `tensorflow.keras` is the Keras 2 API as an attribute and as a module.

    Raises:
        ImportError: somebody has used its Keras 3 already.
    """
    tensorflow = _import_tensorflow_quietly()
    keras = tensorflow.keras
    if not keras.Model.__module__.startswith(("tf_keras.", "keras.src.engine", "keras.engine")):
        raise ImportError(
            "dogo_tf needs the Keras 2 API (tf-keras), but Keras 3 was already loaded as tf.keras "
            f"(tf.keras.Model is {keras.Model.__module__}.Model). Import dogo_tf before you use tf.keras, or set "
            "TF_USE_LEGACY_KERAS=1 in the environment and install tf-keras of the same minor version as TensorFlow "
            f"({tensorflow.__version__})."
        )
    # `import tensorflow.keras...` looks for a module in __path__, which TensorFlow fixed when it was imported: without the
    # environment variable, to Keras 3. The folder that holds the package `keras` of tf-keras comes first.
    place = os.path.dirname(os.path.dirname(keras.__file__))
    if "tensorflow.keras" not in sys.modules and place not in tensorflow.__path__:
        tensorflow.__path__.insert(0, place)
    return tensorflow


def _import_tensorflow_quietly() -> ModuleType:
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
    del os.environ["TF_CPP_MIN_LOG_LEVEL"]  # read by now; a program started from here would take it for the user's
    return tensorflow


if TYPE_CHECKING:
    import tensorflow as tf
    from tensorflow import keras
else:
    tf = _OnUse("tensorflow", load_tensorflow)
    keras = _OnUse("tensorflow.keras", lambda: load_tensorflow().keras)
_choose_keras()


def stable_dtype() -> str:
    """ "float64" if Keras computes in float64, else "float32": the type for normalisation, pooling and every softmax."""
    return "float64" if keras.backend.floatx() == "float64" else "float32"
