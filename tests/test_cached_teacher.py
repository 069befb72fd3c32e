"""Cached teachers: the features of the images as they are, computed once, next to the images of every step."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracles
import pytest
from PIL import Image
from taught import encoder, images, student_of

import dogo_tf
from dogo_tf.evaluate import feature_cache
from dogo_tf.evaluate.features import embed
from dogo_tf.experiments import pretrain as binary
from dogo_tf.export import tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.runs.folder import RunFolder
from dogo_tf.views.recipe import ViewRecipe

WIDTH = 7
PLAIN = ViewRecipe(crop_area=(1, 1), crop_aspect=(1, 1), flip_probability=0, jitter_probability=0, grey_probability=0)


def features(count=16, width=WIDTH):
    return np.random.default_rng(1).normal(size=(count, width)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", dogo_tf.distill.schemes())
def test_where_views_are_the_images_it_is_the_frozen_teacher(scheme):
    big, options = encoder("big", WIDTH), {"scheme": scheme, "view_recipe": PLAIN, "distill_weight": 1.0}
    in_step = student_of(dogo_tf.FrozenTeacher(big, "teacher"), **options)
    cached = student_of(dogo_tf.CachedTeacher(embed(big, images()), "teacher"), **options)
    one = in_step.fit(images(), batch_size=8, epochs=3, shuffle=False, verbose=0).history
    pairs = tf.data.Dataset.from_tensor_slices((images(), {"teacher": embed(big, images())})).batch(8)
    other = cached.fit(pairs, epochs=3, verbose=0).history
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_divergence_is_that_of_the_loops():
    taught = student_of(dogo_tf.CachedTeacher(features(), "teacher"), distill_weight=1.0)
    seen = taught._inputs_of_each((tf.constant(images()), {"teacher": features()}), tf.constant(0, tf.int64))
    both = taught.peers[0].embed(seen[0], training=False)
    expected = oracles.similarity_kl(both.a.p.numpy(), both.b.p.numpy(), features(), features(), 0.1)
    report = taught.evaluate(images(), {"teacher": features()}, batch_size=16, verbose=0, return_dict=True)
    assert report["small/distill"] == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_student_learns_what_the_features_say_of_each_image(shuffle):
    kind = np.random.default_rng(2).integers(0, 2, 64)
    red_or_blue = images(64)
    red_or_blue[np.arange(64), :, :, 2 * kind] = 0
    taught = student_of(
        dogo_tf.CachedTeacher(np.eye(2)[kind], "teacher"), scheme="simreg", ssl_weight=0.0, distill_weight=1.0
    )
    data = red_or_blue, {"teacher": np.eye(2)[kind]}
    losses = taught.fit(*data, batch_size=16, epochs=30, shuffle=shuffle, verbose=0).history["small/distill"]
    # Who knows how frequent the kinds are, but not which image is of which, stays at 2 - sqrt(2) or above.
    assert np.mean(losses[-3:]) < 0.4


@pytest.mark.parametrize("scheme", ["seed", "compress"])
def test_no_tensor_is_stacked_on_itself(scheme):
    """Both views have the same features; of such a stack Grappler makes a graph that TensorFlow then complains about."""
    taught = student_of(dogo_tf.CachedTeacher(features(), "teacher"), scheme=scheme)
    of_a_batch = tf.TensorSpec([8, 8, 8, 3], tf.uint8), {"teacher": tf.TensorSpec([8, WIDTH])}
    graph = tf.function(taught.train_step).get_concrete_function(of_a_batch).graph
    stacked = [[tensor.name for tensor in op.inputs] for op in graph.get_operations() if op.type == "Pack"]
    assert not [names for names in stacked if len(names) > 1 and len(set(names)) == 1]


IN_A_PROCESS_OF_ITS_OWN = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent / "helpers")!r})
import dogo_tf, numpy
from taught import images, student_of
features = numpy.ones([16, 7], numpy.float32)
taught = student_of(dogo_tf.CachedTeacher(features, "teacher"), scheme="seed")
taught.fit(images(), {{"teacher": features}}, batch_size=8, verbose=0)
"""


@pytest.mark.slow
def test_nothing_of_tensorflow_is_on_the_screen():
    done = subprocess.run([sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "data, message",
    [
        (
            (images(),),
            r"y: expected features \[B, 7\] of the cached teacher 'teacher' beside the images, as .*; got nothing",
        ),
        ((images(), np.zeros(16)), "beside the images, as {'teacher': features}; got nothing"),
        ((images(), {"other": features()}), r"as {'teacher': features}; got \['other'\]"),
        ((images(), {"teacher": features(width=3)}), r"beside the images; got shape \(16, 3\)"),
        ((tf.data.Dataset.from_tensors(images()),), "got nothing"),
    ],
)
def test_features_must_come_with_the_images(data, message):
    with pytest.raises(dogo_tf.InputError, match=message):
        student_of(dogo_tf.CachedTeacher(features(), "teacher")).fit(*data, verbose=0)


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((3, 2), int), np.full((3, 2), np.nan)])
def test_features_are_checked(wrong):
    with pytest.raises(
        dogo_tf.InputError, match=r"teachers: big: expected finite floating-point features \[N, d\]; got "
    ):
        dogo_tf.CachedTeacher(wrong, "big")


def settings(run_dir, teacher, **changes):
    small = {"dataset": "patterns", "split": "train[:64]", "batch_size": 32, "epochs": 2, "log_every": 1}
    taught = {"peers": ("small=small_conv",), "teachers": (f"teacher={teacher}",), "cache_teachers": True}
    taught["cache_dir"] = str(Path(run_dir).parent / "cache")
    return PretrainSettings(run_dir=str(run_dir), **{**small, **taught, **changes})


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """The run of a teacher."""
    folder = tmp_path_factory.mktemp("big") / "run"
    return pretrain(settings(folder, "", peers=("big=small_conv",), teachers=(), epochs=1)).path


@pytest.mark.parametrize("kind", ["run", pytest.param(".tflite file", marks=pytest.mark.slow)])
def test_a_run_computes_them_once(kind, big, tmp_path):
    encoder, teacher = RunFolder(big).load_encoder("big"), big
    if kind == ".tflite file":
        teacher = tmp_path / "big.tflite"
        saved = export_saved_model(encoder, tmp_path / "saved")
        teacher.write_bytes(tflite.convert(saved, ["float32"])["float32"])
        with pytest.raises(
            dogo_tf.InputError, match=r"a TFLiteEncoder cannot be computed within .* \(cache_teachers\)"
        ):
            pretrain(settings(tmp_path / "in_step", teacher, cache_teachers=False))
    run = pretrain(settings(tmp_path / "run", teacher))
    (file,) = (tmp_path / "cache/features").iterdir()
    patterns = dogo_tf.data.load("patterns", "train[:64]").images
    np.testing.assert_allclose(np.load(file), embed(encoder, patterns), rtol=1e-3, atol=1e-4)
    assert all(line["small/distill"] > 0 for line in run.metrics_lines())
    assert json.loads((run.path / "config.json").read_text())["teachers"].keys() == {"teacher"}


@pytest.mark.slow
def test_a_run_that_goes_on_ends_as_a_whole_one_and_computes_no_feature_again(big, tmp_path, monkeypatch):
    whole = pretrain(settings(tmp_path / "whole", big))
    first = settings(tmp_path / "part", big, checkpoint_steps=1)
    pretrain(first)
    newest = sorted(RunFolder(first.run_dir).checkpoints.glob("step_*"))[-1]
    (newest / "state.index").write_bytes(b"")  # damaged: the run goes on from the step before
    monkeypatch.setattr(feature_cache, "embedded_batches", lambda *_: pytest.fail("computed again"))
    part = pretrain(first, resume=True)
    ours, theirs = (RunFolder(run.path).load_encoder("small").get_weights() for run in (part, whole))
    assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_a_teacher_sees_images_of_its_own_size(tmp_path):
    """Files are decoded to it, so that it sees what the student's size has lost; other data are resized."""
    pixels = keras.Input((16, 16, 3))
    teacher = keras.Model(pixels, keras.layers.Flatten()(pixels))
    teacher.save(tmp_path / "big.keras", save_format="keras")
    photos = tmp_path / "photos"
    photos.mkdir()
    drawn = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
    for number, image in enumerate(drawn):
        Image.fromarray(image).save(photos / f"{number:02}.png")
    (photos / "03.png").write_bytes(b"no image")
    place = {"dataset": str(photos), "split": "train", "max_bad_images": 0.1, "batch_size": 8, "epochs": 1}
    pretrain(settings(tmp_path / "run", tmp_path / "big.keras", image_size=8, **place))
    (file,) = (tmp_path / "cache/features").iterdir()
    np.testing.assert_array_equal(np.load(file), np.delete(drawn, 3, axis=0).reshape(11, -1))
    file.unlink()
    pretrain(settings(tmp_path / "patterns", tmp_path / "big.keras", image_size=8, store_size=8, epochs=1))
    (file,) = (tmp_path / "cache/features").iterdir()
    (first, *_), kept = np.load(file), dogo_tf.data.load("patterns", "train[:64]", 8).images[0]
    np.testing.assert_array_equal(first.reshape(16, 16, 3), Image.fromarray(kept).resize((16, 16), 2))


@pytest.mark.slow
def test_a_teacher_that_is_not_there_is_a_mistake_without_traceback(tmp_path, capsys):
    flags = ["--dataset=patterns", f"--run_dir={tmp_path / 'run'}", "--teachers=big=nowhere.keras", "--cache_teachers"]
    assert binary.run(["dogo-pretrain", *flags]) == 2
    assert "teachers: big: encoder: nowhere.keras does not exist; expected a .keras file" in capsys.readouterr().err


def test_caching_without_a_teacher_is_a_mistake(tmp_path, capsys):
    assert binary.run(["dogo-pretrain", "--dataset=patterns", f"--run_dir={tmp_path / 'run'}", "--cache_teachers"]) == 2
    assert "--cache_teachers: there is no teacher to compute; expected --teachers=name=path" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
