""".keras files from anywhere: read without running what they carry."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from dogo_tf.encoders._archive import check_archive
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras

# Where Keras' own layers and their parts come from. Its other modules have functions that load code or fetch files.
_MODULES = {
    *("keras", "keras.models", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints"),
    *("keras.mixed_precision", "keras.engine.functional", "keras.engine.sequential", "keras.layers.core.tf_op_layer"),
}
# Layers of functional models in which TensorFlow functions were called on tensors name those; these only compute.
_OPERATIONS = {
    *("cast", "concat", "expand_dims", "identity", "pad", "reshape", "shape", "split", "squeeze", "stack", "tile"),
    *("transpose", "unstack", "clip_by_value", "convert_to_tensor", "zeros_like", "ones_like", "where", "gather"),
    *("broadcast_to", "repeat", "reverse", "roll", "slice"),
}
_OPERATION_FAMILIES = ("math.", "nn.", "linalg.", "__operators__.", "image.resize")
_OTHER_CODE = ("__lambda__", "TFSMLayer", "ClassMethod", "InstanceMethod")


def load_keras_file(path) -> keras.Model:
    """The model in a .keras file, uncompiled.

    Files are checked before Keras builds anything. Its safe mode refuses pickled Python code only: it imports the
    module that a file names for the model, and reads older HDF5 files under this name without a check.

    Args:
        path: of a file in the format of Keras' `save_format="keras"` (a zip archive).
    Raises:
        InputError: no such file, another format, damage, layers that cannot be connected, a Lambda layer, a function that is
            no activation of Keras, a TensorFlow function that does more than compute, or a class that is neither a layer (or
            part of one) of Keras' own nor registered with keras.utils.register_keras_serializable.
    """
    from dogo_tf import class_head  # noqa: F401  registers the layers of this package, as the next line does
    from dogo_tf.encoders import _learned_maps  # noqa: F401

    if Path(path).exists() and not Path(path).is_file():  # a pipe would wait for a writer for ever
        raise InputError(f"{path} cannot be loaded: expected the .keras format, it is no file")
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive)
            config = json.loads(archive.read("config.json"))
        _check_objects(config, path)
        _check_connections(config)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except RecursionError as error:
        raise InputError(f"{path} cannot be loaded: its configuration is nested too deeply") from error
    except Exception as error:  # of damage: OSError, KeyError, zlib.error, BadZipFile, NotImplementedError, ...
        raise InputError(f"{path} cannot be loaded: expected the .keras format, a zip archive: {error}") from error
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras, HDF5 and TensorFlow raise on a damaged file
        raise InputError(f"{path} cannot be loaded: {error}") from error
    if not isinstance(model, keras.Model):
        raise InputError(f"{path} cannot be loaded: expected a keras.Model, it holds a {type(model).__name__}")
    return model


def _check_objects(config, path) -> None:
    """InputError for a Lambda layer, or an unknown class or function, anywhere in a configuration."""
    if isinstance(config, list):
        for item in config:
            _check_objects(item, path)
    if not isinstance(config, dict):
        return
    name, module, inner = config.get("class_name"), config.get("module"), config.get("config")
    if name == "Lambda":
        layer = config.get("name") or (inner or {}).get("name")
        raise InputError(
            f"{path} cannot be loaded: its Lambda layer {layer!r} holds Python code, which is never run "
            "from a file; build the encoder of other layers, or export it as a SavedModel where it was trained"
        )
    if name == "function":
        if not hasattr(keras.activations, str(inner)) or module not in (None, "builtins", "keras.activations"):
            raise InputError(f"{path} cannot be loaded: its function {module}.{inner} is no activation of Keras")
    elif name in ("TFOpLambda", "SlicingOpLambda"):
        # tf.transpose and a few others are recorded by the name of their older version.
        function = str((inner or {}).get("function")).removeprefix("compat.v1.")
        if function not in _OPERATIONS and not function.startswith(_OPERATION_FAMILIES):
            raise InputError(f"{path} cannot be loaded: its function tf.{function} is not known only to compute")
    elif name and (module or name in _OTHER_CODE) and not _is_known(name, str(module), config.get("registered_name")):
        raise InputError(
            f"{path} cannot be loaded: its class {name} of the module {module!r} is not Keras' own; "
            "import what registers it (keras.utils.register_keras_serializable) first, or give a SavedModel instead"
        )
    for value in config.values():
        _check_objects(value, path)


def _is_known(name: str, module: str, registered_name) -> bool:
    own = module.replace("tf_keras", "keras", 1).replace("keras.src", "keras", 1) in _MODULES
    return (own and name not in _OTHER_CODE) or keras.utils.get_registered_object(registered_name) is not None


def _check_connections(config) -> None:
    """Raises ValueError, anywhere in a model's configuration, for a layer whose inputs never come.

    Keras calls a layer once its inputs exist, and tries again until every layer is called: for such a layer, for ever.
    """
    if isinstance(config, dict):
        layers = config.get("layers")
        if isinstance(layers, list) and all(isinstance(layer, dict) for layer in layers):
            _check_model(layers)
        for value in config.values():
            _check_connections(value)
    elif isinstance(config, list):
        for item in config:
            _check_connections(item)


def _check_model(layers: list[dict]) -> None:
    waiting, there, made = {}, set(), set()
    for layer in layers:
        waiting.setdefault(layer.get("name"), []).extend(layer.get("inbound_nodes") or ())
        # Registered classes ("package>name") of others may be models, which count their calls differently.
        if layer.get("class_name") == "InputLayer" or ">" in str(layer.get("registered_name")):
            there.add(layer.get("name"))
    calls = {layer.get("name"): _calls_on_its_own(layer) for layer in layers}
    progress = True
    while progress:
        progress = False
        for name, nodes in waiting.items():
            while nodes and all(
                other in there or other not in waiting or (other, call) in made for other, call in _taken(nodes[0])
            ):
                nodes.pop(0)
                made.add((name, calls[name]))
                calls[name] += 1
                progress = True
    for name, nodes in waiting.items():
        if nodes:
            raise ValueError(f"its layer {name!r} waits for an input that never comes")


def _calls_on_its_own(layer: dict) -> int:
    """A model within a model was called once, on its own inputs, before it is connected."""
    if layer.get("class_name") == "Sequential":
        inner = (layer.get("config") or {}).get("layers") or [{}]
        return int(isinstance(inner[0], dict) and inner[0].get("class_name") == "InputLayer")
    return int(layer.get("class_name") in ("Functional", "Model"))


def _taken(node) -> Iterator[tuple]:
    """(layer, number of its call) of every tensor that a call takes: [layer, call, output] or [..., keyword arguments]."""
    if isinstance(node, dict):
        node = list(node.values())
    elif isinstance(node, list) and len(node) in (3, 4) and isinstance(node[0], str):
        if node[0] != "_CONSTANT_VALUE":
            yield node[0], node[1]
        node = node[3:]
    if isinstance(node, list):
        for item in node:
            yield from _taken(item)
