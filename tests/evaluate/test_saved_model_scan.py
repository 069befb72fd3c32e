"""A SavedModel that could do more than compute is refused before anything of it runs; every encoder of ours passes."""

import json

import numpy as np
import pytest
from tensorflow.core.protobuf import saved_model_pb2

import dogo_tf
from dogo_tf import encoders
from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_scan import PROGRAM, check_saved_model
from dogo_tf.evaluate.sources import load_encoder
from dogo_tf.experiments import app, pretrain, probe, suspects
from dogo_tf.export import main as export_main
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.runs.folder import CONFIG

IMAGES = tf.TensorSpec([None, 8, 8, 3], tf.float32, "images")
QUICK = ["wrn_10_1"]
OTHERS = [
    "mobilenet_v2",
    "resnet_18",
    "mobilenet_v3_small",
    "efficientnet_lite_b0",
    "shufflenet_v2",
    "keras.DenseNet121",
    "keras_cv.mit_b0",
]


def means(images):
    return tf.reduce_mean(images, axis=[1, 2])


class WritesWhenLoaded(tf.saved_model.experimental.TrackableResource):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def _create_resource(self):
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[])

    def _initialize(self):
        tf.io.write_file(self.path, "loaded")


def save(folder, function, **tracked):
    module = tf.Module()
    for name, value in tracked.items():
        setattr(module, name, value)
    module.function = tf.function(function, input_signature=[IMAGES])
    tf.saved_model.save(module, str(folder), signatures=module.function)
    return folder


def writes_when_called(folder, path):
    def function(images):
        tf.io.write_file(path, "called")
        return means(images)

    return save(folder, function)


def writes_when_loaded(folder, path):
    return save(folder, means, resource=WritesWhenLoaded(path))


def writes_in_a_branch(folder, path):
    def write():
        tf.io.write_file(path, "branch")
        return 1.0

    return save(folder, lambda images: means(images) * tf.cond(tf.shape(images)[0] > 0, write, lambda: 1.0))


def starts_python(folder, path):
    def function(images):
        features = tf.py_function(lambda x: x, [means(images)], tf.float32)
        return tf.ensure_shape(features, [None, 3])

    return save(folder, function)


def reads_a_table(folder, path):
    with open(path + ".txt", "w") as file:
        file.write("a\nb\n")
    words = tf.lookup.TextFileInitializer(
        path + ".txt", tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
    )
    table = tf.lookup.StaticHashTable(words, -1)
    return save(folder, lambda images: means(images) + tf.cast(table.lookup(tf.constant("a")), tf.float32), table=table)


def reads_data(folder, path):
    def function(images):
        data = tf.data.Dataset.range(3)
        return means(images) + tf.cast(data.reduce(np.int64(0), lambda a, b: a + b), tf.float32)

    return save(folder, function)


def reads_a_file(folder, path):  # ReadFile is stateless for TensorFlow
    return save(folder, lambda images: means(images) + tf.cast(tf.strings.length(tf.io.read_file(path)), tf.float32))


HOSTILE = {
    writes_when_called: "WriteFile",
    writes_when_loaded: "WriteFile",
    writes_in_a_branch: "WriteFile",
    starts_python: "EagerPyFunc",
    reads_a_table: "(HashTableV2|InitializeTableFromTextFileV2|LookupTableFindV2)",
    reads_data: "(RangeDataset|ReduceDataset)",
    reads_a_file: "ReadFile",
}


@pytest.mark.parametrize("make", HOSTILE, ids=lambda make: make.__name__)
def test_more_than_arithmetic_is_refused_with_the_op_named(make, tmp_path):
    written = tmp_path / "written"
    folder = make(tmp_path / "hostile", str(written))
    written.unlink(missing_ok=True)
    with pytest.raises(InputError, match=rf"holds the op {HOSTILE[make]} \(in .*It was not loaded\. .* --trust"):
        load_encoder(folder)
    assert not written.exists()


def test_trust_loads_it(tmp_path):
    """And shows that the two files are what they are taken for."""
    for make in (writes_when_loaded, writes_when_called):
        written = tmp_path / make.__name__
        folder = make(tmp_path / f"{make.__name__}_saved", str(written))
        written.unlink(missing_ok=True)
        load_encoder(folder, trust=True)(np.zeros((1, 8, 8, 3), np.uint8))
        assert written.exists()


def test_a_teacher_is_checked_too(tmp_path):
    folder = writes_when_loaded(tmp_path / "saved", str(tmp_path / "written"))
    with pytest.raises(InputError, match="teachers: big: .* the op WriteFile"):
        dogo_tf.FrozenTeacher(folder, "big")
    assert dogo_tf.FrozenTeacher(folder, "big", trust=True).width_h == 3


BINARIES = {
    "dogo-probe": (probe, ["--encoder={}", "--dataset=patterns"]),
    "dogo-suspects": (suspects, ["--encoder={}", "--dataset=patterns"]),
    "dogo-export": (export_main, ["--encoder={}", "--dataset=patterns", "--out={}_out"]),
}


@pytest.mark.parametrize("name", BINARIES)
def test_the_binaries_refuse_in_one_line_with_exit_code_2(name, tmp_path, capsys):
    module, words = BINARIES[name]
    written = tmp_path / "written"
    folder = writes_when_loaded(tmp_path / "saved", str(written))
    written.unlink(missing_ok=True)
    assert app.run(module.main, module.FLAGS, "", [name, *(word.format(folder) for word in words)]) == 2
    message = capsys.readouterr().err
    assert "the op WriteFile" in message and message.count("\n") == 1 and not written.exists()


@pytest.mark.parametrize("module", [pretrain, probe, suspects, export_main])
def test_help_says_what_trust_means(module):
    assert (
        "--[no]trust" in app.help_text(module.FLAGS, "") and "A SavedModel is a program" in module.FLAGS["trust"].help
    )


def altered(folder, change):
    program = saved_model_pb2.SavedModel()
    program.ParseFromString((folder / PROGRAM).read_bytes())
    change(program)
    (folder / PROGRAM).write_bytes(program.SerializeToString())


@pytest.fixture
def harmless(tmp_path):
    return save(tmp_path / "harmless", means)


def test_forms_that_cannot_be_checked_are_refused(harmless):
    def refused(message):
        with pytest.raises(InputError, match=message):
            check_saved_model(harmless)

    check_saved_model(harmless)
    sound = (harmless / PROGRAM).read_bytes()
    altered(harmless, lambda program: program.meta_graphs.add())
    refused("got 2 graphs")
    (harmless / PROGRAM).write_bytes(sound)
    altered(harmless, lambda program: program.meta_graphs[0].ClearField("object_graph_def"))
    refused("got the format of TensorFlow 1")
    (harmless / PROGRAM).write_bytes(sound[: len(sound) // 2])
    refused("expected a SavedModel folder")
    (harmless / PROGRAM).write_bytes(sound)
    (harmless / "saved_model.pbtxt").write_text("")
    refused("got saved_model.pbtxt beside or instead of")


def test_saver_ops_are_refused_where_a_call_reaches_them(harmless):
    def save_when_called(program):
        (graph,) = program.meta_graphs
        (called, *_) = graph.object_graph_def.concrete_functions
        (function,) = [f for f in graph.graph_def.library.function if f.signature.name == called]
        function.node_def.add(name="save", op="SaveV2")

    altered(harmless, save_when_called)
    with pytest.raises(InputError, match="the op SaveV2 .in its function"):
        check_saved_model(harmless)


def test_a_function_called_as_an_op_is_refused(harmless):
    def shadow(program):
        program.meta_graphs[0].graph_def.library.function.add().signature.name = "WriteFile"

    altered(harmless, shadow)
    with pytest.raises(InputError, match="got a function called as the op WriteFile"):
        check_saved_model(harmless)


def test_a_run_folder_is_only_read_as_a_run(tmp_path):
    """Its encoder comes from encoders/, whatever lies beside config.json."""
    written = tmp_path / "written"
    run = writes_when_called(tmp_path / "run", str(written))
    (run / "encoders").mkdir()
    config = {
        "settings": {"dataset": "patterns", "data_dir": None},
        "peers": [{"name": "small"}],
        "data": {"image_size": 8},
        "provenance": {},
    }
    (run / CONFIG).write_text(json.dumps(config))
    images = keras.Input((8, 8, 3))
    keras.Model(images, keras.layers.GlobalMaxPooling2D()(images)).save(run / "encoders" / "small.keras")
    assert isinstance(load_encoder(run), keras.Model)
    assert isinstance(load_encoder(run, "small"), keras.Model)


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_our_own_exports_pass(name, tmp_path):
    check_saved_model(export_saved_model(encoders.build(name, 64), tmp_path / "saved"))
