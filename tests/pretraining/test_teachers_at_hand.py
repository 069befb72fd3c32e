"""Teachers of other frameworks in whole runs: files of features, ONNX files, and refusals before the first step."""

import sys
from pathlib import Path

import numpy as np
import onnx_files
import pytest
from PIL import Image

import dogo_tf
from dogo_tf.evaluate import embed, feature_cache, load_encoder
from dogo_tf.experiments import pretrain as binary
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.runs.folder import RunFolder

COUNT = 24


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    drawn = np.random.default_rng(0).integers(0, 256, (COUNT, 16, 16, 3), dtype=np.uint8)
    for number, image in enumerate(drawn):
        (folder / str(number % 2)).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / str(number % 2) / f"{number:02}.png")
    return dogo_tf.data.load(folder, "train", 16)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A teacher as a .keras file."""
    pixels = keras.Input((16, 16, 3))
    hidden = keras.layers.Conv2D(7, 3, 2, activation="relu")(keras.layers.Rescaling(1 / 255)(pixels))
    path = tmp_path_factory.mktemp("big") / "big.keras"
    keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(hidden)).save(path, save_format="keras")
    return path


def settings(photos, run_dir, teacher, **changes):
    values = {
        "dataset": photos.name.split()[0],
        "image_size": 16,
        "cache_dir": str(Path(run_dir).parent / "cache"),
        "peers": ("small=small_conv",),
        "teachers": (f"big={teacher}",),
        "batch_size": 8,
        "epochs": 2,
        "log_every": 1,
    }
    return PretrainSettings(run_dir=str(run_dir), **{**values, **changes})


def write(path, photos, features, **changes):
    np.savez(path, **{"features": features, "names": photos.files, **changes})
    return path


def weights(run):
    return RunFolder(run.path).load_encoder("small").get_weights()


@pytest.mark.slow
def test_features_from_a_file_teach_what_the_network_itself_does(photos, big, tmp_path):
    file = write(tmp_path / "big.npz", photos, embed(load_encoder(big), photos.images))
    by_file = pretrain(settings(photos, tmp_path / "file", file))
    by_network = pretrain(settings(photos, tmp_path / "network", big, cache_teachers=True))
    for ours, theirs in zip(weights(by_file), weights(by_network), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not list(by_file.path.glob("features/*"))


@pytest.mark.slow
def test_a_file_of_features_and_a_network_in_the_step_teach_side_by_side(photos, big, tmp_path):
    file = write(tmp_path / "big.npz", photos, embed(load_encoder(big), photos.images))
    run = pretrain(settings(photos, tmp_path / "run", "", teachers=(f"near={big}", f"far={file}"), epochs=1))
    assert run.config()["teachers"].keys() == {"near", "far"}
    alone = pretrain(settings(photos, tmp_path / "alone", file, epochs=1))
    assert any((a != b).any() for a, b in zip(weights(run), weights(alone), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("where", ["memory", "cache", "stream"])
def test_the_names_hold_wherever_the_images_are_kept(where, photos, big, tmp_path):
    file = write(tmp_path / "big.npz", photos, np.ones([COUNT, 3], np.float32))
    assert pretrain(settings(photos, tmp_path / "run", file, source=where, epochs=1)).metrics_lines()


@pytest.mark.parametrize("kept", [{}, {"store_size": 32}])
@pytest.mark.slow
def test_a_digest_is_of_the_images_at_the_training_size_however_they_are_kept(kept, photos, tmp_path):
    patterns = dogo_tf.data.load("patterns", "train[:24]", 16)
    made = {"features": np.ones([COUNT, 3], np.float32), "digest": dogo_tf.data.digest(patterns.images)}
    np.savez(tmp_path / "big.npz", **made)
    asked = {"dataset": "patterns", "split": "train[:24]", "epochs": 1, **kept}
    assert pretrain(settings(photos, tmp_path / "run", tmp_path / "big.npz", **asked)).metrics_lines()
    np.savez(tmp_path / "big.npz", **{**made, "digest": dogo_tf.data.digest(patterns.images[::-1])})
    with pytest.raises(dogo_tf.InputError, match=r"its digest is of other images than patterns train\[:24\]"):
        pretrain(settings(photos, tmp_path / "other", tmp_path / "big.npz", **asked))


def test_a_resume_with_other_features_is_refused(photos, tmp_path):
    features = np.random.default_rng(1).normal(size=(COUNT, 3)).astype(np.float32)
    file = write(tmp_path / "big.npz", photos, features)
    made = settings(photos, tmp_path / "run", file, epochs=1)
    pretrain(made)
    pretrain(made, resume=True)
    write(file, photos, features[::-1])
    with pytest.raises(dogo_tf.InputError, match="resume: the run in this folder has other teachers:\n  big: "):
        pretrain(made, resume=True)


@pytest.mark.slow
def test_an_onnx_file_is_computed_once_of_images_of_its_own_size(photos, tmp_path, monkeypatch):
    """The student trains on 8 pixels; the teacher sees the 16 of the files."""
    path = onnx_files.write(tmp_path / "big.onnx")
    taught = {"image_size": 8, "cache_teachers": True, "epochs": 1}
    run = pretrain(settings(photos, tmp_path / "run", f"{path}:pixels=-1..1", **taught))
    (kept,) = (tmp_path / "cache/features").iterdir()
    np.testing.assert_allclose(np.load(kept), onnx_files.features(photos.images, 0.5, 0.5), rtol=1e-4, atol=1e-5)
    assert all(line["small/distill"] > 0 for line in run.metrics_lines())
    monkeypatch.setattr(feature_cache, "embedded_batches", lambda *_: pytest.fail("computed again"))
    pretrain(settings(photos, tmp_path / "again", f"{path}:pixels=-1..1", **taught))


WRONG = {
    "another order": (
        {"names": lambda photos: photos.files[::-1]},
        "teachers: big: {file}: features of other images or in another order: image 0 is 0/00.png, but row 0 of the "
        "features is of 1/23.png",
    ),
    "another data set": (
        {"features": lambda photos: np.zeros([7, 3], np.float32)},
        "teachers: big: {file}: expected the features of 24 images, got 7",
    ),
    "whole numbers": (
        {"features": lambda photos: np.zeros([COUNT, 3], int)},
        "teachers: big: {file}: expected floating-point features [N, d], got int64 [24, 3]",
    ),
    "NaN": (
        {"features": lambda photos: np.full([COUNT, 3], np.nan)},
        "teachers: big: {file}: NaN or infinite features, first of image 0",
    ),
}


def refused(photos, run_dir, *flags: str) -> int:
    words = [f"--dataset={photos.name.split()[0]}", "--image_size=16", "--peers=small=small_conv", "--batch_size=8"]
    return binary.run(["dogo-pretrain", *words, f"--run_dir={run_dir}", f"--cache_dir={run_dir}_cache", *flags])


@pytest.mark.parametrize("case", WRONG)
def test_wrong_features_end_in_one_line_before_the_first_step(case, photos, tmp_path, capsys):
    changes, message = WRONG[case]
    made = {name: change(photos) for name, change in changes.items()}
    file = write(tmp_path / "f.npz", photos, made.pop("features", np.ones([COUNT, 3], np.float32)), **made)
    assert refused(photos, tmp_path / "run", f"--teachers=big={file}") == 2
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line == "error: " + message.format(file=file)
    assert not (tmp_path / "run").exists()


def test_a_wrong_onnx_file_ends_in_one_line_before_the_first_step(photos, tmp_path, capsys, monkeypatch):
    path = onnx_files.write(tmp_path / "big.onnx", extra_inputs=["input_ids"])
    assert refused(photos, tmp_path / "run", f"--teachers=big={path}:pixels=clip", "--cache_teachers") == 2
    assert "error: teachers: big: " in (found := capsys.readouterr().err) and "export the image encoder alone" in found
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert refused(photos, tmp_path / "run", f"--teachers=big={path}:pixels=clip", "--cache_teachers") == 2
    assert "onnxruntime is needed to run it: pip install 'dogo-tf[onnx]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
