""".keras files made to run code: refused before Keras is asked to build anything."""

import contextlib
import io
import json
import os
import sys
import zipfile

import h5py
import numpy as np
import pytest

from dogo_tf.encoders._archive import check_archive
from dogo_tf.encoders._keras_file import load_keras_file
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras, tf


def dense(**config):
    return {
        "module": "keras.layers",
        "class_name": "Dense",
        "config": {"name": "d", "units": 2, **config},
        "registered_name": None,
        "build_config": {"input_shape": [None, 2]},
    }


def write(path, *layers):
    """A sequential model of these layers' configurations as a .keras file without weights."""
    model = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "m", "layers": list(layers)},
        "registered_name": None,
        "build_config": {"input_shape": [None, 2]},
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("metadata.json", json.dumps({"keras_version": tf.__version__}))
    return path


def function(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def operation(name):
    return {"module": "keras.layers", "class_name": "TFOpLambda", "config": {"function": name}}


ATTACKS = {
    "function of a module": (
        dense(activation=function("os", "system")),
        "function os.system is no activation of Keras",
    ),
    "function of Python": (dense(activation=function("builtins", "exec")), "function builtins.exec is no activation"),
    "function of Keras that loads code": (
        dense(activation=function("tf_keras.src.utils.generic_utils", "func_load")),
        "function tf_keras.src.utils.generic_utils.func_load is no activation",
    ),
    "class of a module": (
        dense(kernel_initializer={"module": "evil", "class_name": "E", "config": {}}),
        "class E of the module 'evil' is not Keras' own",
    ),
    "class of Keras that is no layer": (
        dense(kernel_initializer={"module": "keras.utils", "class_name": "get_file", "config": {}}),
        "class get_file of the module 'keras.utils' is not Keras' own",
    ),
    "lambda layer of a function": (
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": function("os", "system")}},
        "Lambda layer None holds Python code",
    ),
    "lambda": (dense(activation={"class_name": "__lambda__", "config": {"value": "4wAA"}}), "class __lambda__ of"),
    "old lambda layer": ({"class_name": "Lambda", "config": {"function": ["4wAA", None, None]}}, "Lambda layer None"),
    "operation that writes": (operation("io.write_file"), "function tf.io.write_file is not known only to compute"),
    "operation that calls Python": (operation("py_function"), "function tf.py_function is not known"),
    "other graph": ({"module": "keras.layers", "class_name": "TFSMLayer", "config": {}}, "class TFSMLayer of"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_file_that_could_run_code_is_refused(tmp_path, attack, monkeypatch):
    monkeypatch.setattr(os, "system", lambda _: pytest.fail("the file's code ran"))
    monkeypatch.setattr(keras.models, "load_model", lambda *_, **__: pytest.fail("Keras was asked to load it"))
    layer, asked = ATTACKS[attack]
    with pytest.raises(InputError, match=f"a.keras cannot be loaded: its {asked}"):
        load_keras_file(write(tmp_path / "a.keras", dense(), layer))


def test_keras_itself_imports_the_module_that_a_file_names_for_the_model(tmp_path, monkeypatch):
    """Why there is a check of ours; should Keras' safe mode stop this one day, ours is still needed for the rest."""
    (tmp_path / "dogo_sneaky.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    model = {"module": "dogo_sneaky", "class_name": "E", "config": {"name": "m"}, "registered_name": None}
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(model))
        archive.writestr("metadata.json", "{}")
    with pytest.raises(InputError, match="class E of the module 'dogo_sneaky' is not Keras' own"):
        load_keras_file(tmp_path / "a.keras")
    assert "dogo_sneaky" not in sys.modules
    with pytest.raises(Exception):  # noqa: B017, of any kind: what counts is what it did before
        keras.models.load_model(tmp_path / "a.keras", compile=False, safe_mode=True)
    assert sys.modules.pop("dogo_sneaky")


def test_activations_and_registered_layers_are_loaded(tmp_path):
    @keras.saving.register_keras_serializable(package="dogo_test")
    class Mine(keras.layers.Layer):
        def call(self, x):
            return tf.nn.relu6(x) + 1

    inputs = keras.Input((2,))
    made = keras.Model(inputs, tf.concat([Mine()(keras.layers.Dense(2, activation="swish")(inputs)), inputs * 2], -1))
    made.save(tmp_path / "a.keras", save_format="keras")
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(load_keras_file(tmp_path / "a.keras")(x), made(x))


def archive_of(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return path


def hdf5(fill) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file)
    return content.getvalue()


def compressed_bomb(file):
    file.create_dataset("w", shape=(2**31,), dtype="f4", chunks=(2**20,), compression="gzip")


def web(file):
    """Groups of which each holds the next one twice: 2**60 ways through them, and back to the first."""
    group = file.create_group("0")
    for level in range(60):
        group["a"] = group["b"] = group.file.create_group(f"{level + 1}")
        group = group["a"]
    group["first"] = file["0"]
    group.create_dataset("w", data=[0.0])


BOMBS = {
    "large configuration": (
        {"config__json": b" " * (32 * 2**20 + 1)},
        "config.json has 33,554,433 bytes unpacked, more than",
    ),
    "asset": ({"config__json": "{}", "assets/x": b"x"}, "it holds 'assets/x', expected config.json, metadata.json"),
    "nesting": ({"config__json": "[" * 100_000}, "its configuration is nested too deeply"),
    "nested layers": ({"config__json": '{"a":' * 900 + "1" + "}" * 900}, "cannot be loaded"),
    "link": (
        {
            "config__json": "{}",
            "model.weights.h5": hdf5(lambda f: f.__setitem__("w", h5py.ExternalLink("/etc/x", "/w"))),
        },
        "its weights 'w' are a link to somewhere else",
    ),
    "other file": (
        {
            "config__json": "{}",
            "model.weights.h5": hdf5(lambda f: f.create_dataset("w", (4,), "u1", external=[("/etc/passwd", 0, 4)])),
        },
        "its weights 'w' lie in another file",
    ),
    "compressed weights": (
        {"config__json": "{}", "model.weights.h5": hdf5(compressed_bomb)},
        "its weights have more than the",
    ),
}


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_and_links_are_refused_before_anything_is_unpacked(case, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.models, "load_model", lambda *_, **__: pytest.fail("Keras was asked to load it"))
    members, message = BOMBS[case]
    if case == "nested layers":
        monkeypatch.undo()
    with pytest.raises(InputError, match=message):
        load_keras_file(archive_of(tmp_path / "bomb.keras", **members))


def test_groups_that_hold_one_another_are_looked_at_once(tmp_path):
    path = archive_of(tmp_path / "web.keras", config__json="{}", **{"model.weights.h5": hdf5(web)})
    with zipfile.ZipFile(path) as archive:
        check_archive(archive)


# The tensors of a call are [layer, number of its call, output]; what Keras would wait for without end.
NEVER = {
    "call of another type": ["a", "x", 0, {}],
    "call that is not made": ["a", 1, 0, {}],
    "its own output": ["b", 0, 0, {}],
    "in an argument": ["a", 0, 0, {"mask": ["b", 0, 0]}],
}


@pytest.mark.parametrize("case", NEVER)
def test_layers_that_would_wait_for_ever_are_refused(case, tmp_path, monkeypatch):
    images = keras.Input((4,))
    keras.Model(images, keras.layers.ReLU(name="b")(keras.layers.Dense(3, name="a")(images))).save(
        tmp_path / "whole.keras"
    )
    assert load_keras_file(tmp_path / "whole.keras").output_shape == (None, 3)
    with zipfile.ZipFile(tmp_path / "whole.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][2]["inbound_nodes"] = [[NEVER[case]]]
    monkeypatch.setattr(keras.models, "load_model", lambda *_, **__: pytest.fail("Keras was asked to load it"))
    with pytest.raises(InputError, match="its layer 'b' waits for an input that never comes"):
        load_keras_file(archive_of(tmp_path / "a.keras", **members | {"config.json": json.dumps(config)}))


def test_shared_layers_and_models_within_models_are_connected(tmp_path):
    inputs, shared = keras.Input((4,)), keras.layers.Dense(4)
    functional = keras.Model(inputs, keras.layers.ReLU()(inputs))
    sequential = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    unbuilt = keras.Sequential([keras.layers.Dense(4)])
    x = shared(unbuilt(functional(sequential(shared(inputs)))))
    a, b = tf.split(functional(x), 2, -1)
    made = keras.Model(inputs, tf.where(a > 0, x=a, y=b))
    made.save(tmp_path / "a.keras")
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_array_equal(load_keras_file(tmp_path / "a.keras")(x), made(x))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    with pytest.raises(InputError, match="pipe.keras cannot be loaded: expected the .keras format, it is no file"):
        load_keras_file(tmp_path / "pipe.keras")


def test_flipped_bits_are_input_errors_or_harmless(tmp_path):
    path = tmp_path / "small.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(path)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(40):
        damaged = bytearray(content)
        damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):
            assert load_keras_file(path).output_shape == (None, 3)
