""".keras files from anywhere: read without running what they carry."""

import json
import zipfile

from dogo_tf.errors import InputError
from dogo_tf.keras_compat import keras

_KERAS = ("keras", "tf_keras", "builtins")


def load_keras_file(path) -> keras.Model:
    """The model in a .keras file, uncompiled.

    Files are checked before Keras builds anything, as its safe mode refuses Python code in Lambda layers only, not modules to
    be imported or older HDF5 files under this name.

    Args:
        path: of a file in the format of Keras' `save_format="keras"` (a zip archive).
    Raises:
        InputError: no such file, another format, damage, a Lambda layer, or a class that is neither Keras' own nor registered
            with keras.utils.register_keras_serializable.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be loaded: expected the .keras format, a zip archive: {error}") from error
    _check_objects(config, path)
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be loaded: {error}") from error
    if not isinstance(model, keras.Model):
        raise InputError(f"{path} cannot be loaded: expected a keras.Model, it holds a {type(model).__name__}")
    return model


def _check_objects(config, path) -> None:
    """InputError for a Lambda layer or an unknown class anywhere in a configuration."""
    if isinstance(config, list):
        for item in config:
            _check_objects(item, path)
    if not isinstance(config, dict):
        return
    name = config.get("class_name")
    if name == "Lambda":
        layer = config.get("name") or config.get("config", {}).get("name")
        raise InputError(
            f"{path} cannot be loaded: its Lambda layer {layer!r} holds Python code, which is never run "
            "from a file; build the encoder of other layers, or export it as a SavedModel where it was trained"
        )
    module = config.get("module")
    if name and module and module.split(".")[0] not in _KERAS:
        known = config.get("registered_name")
        if keras.utils.get_registered_object(known) is None:
            raise InputError(
                f"{path} cannot be loaded: its class {name} of the module {module!r} is not Keras' own; "
                "import what registers it (keras.utils.register_keras_serializable) first, or give a SavedModel instead"
            )
    for value in config.values():
        _check_objects(value, path)
