"""dogo-probe with an encoder from a file: what it writes, and what it says to a mistake."""

import json

import numpy as np
import onnx_files
import pytest
from PIL import Image

from dogo_tf.evaluate import probe as library
from dogo_tf.experiments import probe
from dogo_tf.platform.keras_compat import keras, tf


def pooled(layer, size=8):
    inputs = keras.Input((size, size, 3))
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(layer(inputs)))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Dark and light pictures of 12 pixels, and encoders for 8."""
    place = tmp_path_factory.mktemp("place")
    generator = np.random.default_rng(0)
    for data, classes in (("pictures", ("dark", "light")), ("others", ("dark", "red"))):
        for split in ("train", "val"):
            for label, colour in zip(classes, (60, 190), strict=True):
                (place / data / split / label).mkdir(parents=True)
                for i in range(10):
                    pixels = np.clip(generator.normal(colour, 30, (12, 12, 3)), 0, 255).astype(np.uint8)
                    Image.fromarray(pixels).save(place / data / split / label / f"{i}.png")
    (place / "mixed").mkdir()
    (place / "mixed" / "train").symlink_to(place / "pictures" / "train")
    (place / "mixed" / "test").symlink_to(place / "others" / "val")
    (place / "single" / "test" / "dark").mkdir(parents=True)
    (place / "single" / "train").symlink_to(place / "pictures" / "train")
    (place / "single" / "test" / "dark" / "0.png").symlink_to(place / "pictures" / "val" / "dark" / "0.png")
    pooled(keras.layers.Conv2D(4, 3)).save(place / "small.keras")
    pooled(keras.layers.Lambda(lambda x: x / 2, name="halve")).save(place / "code.keras")
    tf.saved_model.save(pooled(keras.layers.Conv2D(4, 3)), str(place / "saved"))
    double = tf.Module()
    double.function = tf.function(lambda x: {"y": 2 * x}, input_signature=[tf.TensorSpec([None], name="x")])
    tf.saved_model.save(double, str(place / "double"), signatures=double.function)
    return place


def run(place, *words):
    return probe.run(["dogo-probe", *(word.format(place=place) for word in words)])


def test_an_onnx_file_is_probed_at_its_own_size(place, capsys):
    path = onnx_files.write(place / "big.onnx", ("batch", 3, "h", "w"))
    words = [f"--encoder={path}:size=24:pixels=0.5/0.25", "--dataset={place}/pictures", "--test_split=val"]
    assert run(place, *words, "--protocols=knn", "--k=3") == 0
    assert "big.onnx" in capsys.readouterr().out
    assert len(list(place.glob("big.onnx.probe_*.json"))) == 1


def test_every_protocol_on_a_keras_file(place, capsys):
    words = ["--encoder={place}/small.keras", "--dataset={place}/pictures", "--test_split=val", "--fractions=1,0.5"]
    words += [
        "--protocols=knn,linear,linear_adam,fine_tune",
        "--fine_tune_epochs=1",
        "--k=3",
        "--out={place}/new/out.json",
    ]
    assert run(place, *words, "--cache={place}/cache") == 0
    shown = capsys.readouterr().out
    for heading in ("kNN %", "linear %, 50 % labels", "linear (Adam) %, 100 % labels", "fine-tuned %, 50 % labels"):
        assert heading in shown
    report = json.loads((place / "new" / "out.json").read_text())
    numbers = report["peers"]["small.keras"]
    assert report["encoder"] == f"{place}/small.keras" and report["test"]["images"] == 20
    for entry in (numbers["knn"], numbers["fine_tune"]["0.5"]):
        assert 0 <= entry["low"] <= entry["accuracy"] <= entry["high"] <= 1
    assert numbers["knn"]["k"] == 3 and numbers["linear"]["1"]["accuracy"] == 1
    assert [numbers[name]["0.5"]["n_train"] for name in ("linear", "linear_adam", "fine_tune")] == [10, 10, 10]
    assert len(list((place / "cache").iterdir())) == 2


def test_harder_studies_come_with_intervals_and_the_labels_they_were_given(place, capsys):
    words = ["--encoder={place}/small.keras", "--dataset={place}/pictures", "--test_split=val", "--fractions=1"]
    words += ["--noise=pairwise:0.4", "--imbalance=exponential", "--corruptions=contrast", "--draws=2"]
    assert run(place, *words, "--out={place}/hard.json") == 0
    shown = capsys.readouterr().out
    studies = json.loads((place / "hard.json").read_text())["peers"]["small.keras"]["studies"]
    assert {"noise pairwise 40%", "imbalance exponential", "corruption contrast", "severity 5"} <= set(studies)
    for study, found in studies.items():
        assert 0 <= found["low"] <= found["mean"] <= found["high"] <= 1 and study in shown
    labels = np.load(place / "hard_labels.npz")
    assert len(labels["noise pairwise 40%, draw 1, labels"]) == 20
    assert f"{place}/hard_labels.npz" in shown


def test_a_saved_model_is_probed_and_the_numbers_are_beside_it(place, capsys):
    assert (
        run(place, "--encoder={place}/saved/", "--dataset={place}/pictures", "--test_split=val", "--fractions=1") == 0
    )
    (written,) = place.glob("saved.probe_*.json")
    assert set(json.loads(written.read_text())["peers"]["saved"]) == {"knn", "linear"}
    assert f"wrote {written}" in capsys.readouterr().out


def test_numbers_of_other_protocols_do_not_take_the_place_of_the_usual_ones(place):
    asked = "--encoder={place}/small.keras", "--dataset={place}/pictures", "--test_split=val", "--fractions=1"
    assert run(place, *asked) == run(place, *asked, "--protocols=knn") == 0
    names = sorted(path.name.partition(".probe_")[2] for path in place.glob("small.keras.probe_*.json"))
    assert len(names) == 2 and names[1].removesuffix("_knn.json") == names[0].removesuffix(".json")


def test_a_share_that_small_classes_make_larger_is_told(place, tmp_path, capsys):
    asked = (
        "--encoder={place}/small.keras",
        "--dataset={place}/pictures",
        "--test_split=val",
        f"--out={tmp_path}/p.json",
    )
    assert run(place, *asked, "--protocols=linear", "--fractions=1,0.5,0.01") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "1 % labels: here 2 of 20 images, 10 %, at least one of each class",
        f"wrote {tmp_path}/p.json",
    ]
    assert not any("here" in line for line in lines[:-2])


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("{place}", "--out: {place} is a folder; expected a file, e.g. {place}/probe.json"),
        (
            "{place}/small.keras/x.json",
            "--out: cannot write {place}/small.keras/x.json: {place}/small.keras is no folder",
        ),
    ],
)
def test_where_nothing_can_be_written_is_told_before_the_probing(place, capsys, monkeypatch, out, message):
    monkeypatch.setattr(probe, "probe", lambda *_: pytest.fail("too late"))
    words = "--encoder={place}/small.keras", "--dataset={place}/pictures", "--test_split=val", f"--out={out}"
    assert run(place, *words) == 2
    assert message.format(place=place) in capsys.readouterr().err


def test_an_interruption_keeps_the_encoders_that_are_done(place, capsys, monkeypatch):
    run_dir = place / "run"
    (run_dir / "encoders").mkdir(parents=True)
    config = {
        "peers": [{"name": "first"}, {"name": "second"}],
        "settings": {"dataset": f"{place}/pictures", "data_dir": None},
        "data": {"image_size": 8},
        "provenance": {},
    }
    (run_dir / "config.json").write_text(json.dumps(config))
    for peer in ("first", "second"):
        (run_dir / "encoders" / f"{peer}.keras").write_bytes((place / "small.keras").read_bytes())
    done = []

    def interrupted(*arguments):
        if done:
            raise KeyboardInterrupt
        done.append(1)
        return library.probe(*arguments)

    monkeypatch.setattr(probe, "probe", interrupted)
    assert run(place, f"--run_dir={run_dir}", "--test_split=val", "--protocols=knn") == 130
    (written,) = run_dir.glob("probe_*.json")
    assert list(json.loads(written.read_text())["peers"]) == ["first"]
    assert len(list((run_dir / "features").iterdir())) == 2


PICTURES = ["--dataset={place}/pictures", "--test_split=val"]
MISTAKES = {
    "nothing": ([], "--run_dir or --encoder is needed: what is to be probed?"),
    "both": (["--encoder=x", "--run_dir=y"], "--encoder: it stands in place of --run_dir and --peer; give one or"),
    "peer": (["--encoder=x", "--peer=y"], "--encoder: it stands in place of --run_dir and --peer; give one or"),
    "no data": (["--encoder=x"], "--dataset is needed"),
    "no file": (["--encoder={place}/none.keras", *PICTURES], "none.keras does not exist; expected a .keras file, a"),
    "code": (["--encoder={place}/code.keras", *PICTURES], "its Lambda layer 'halve' holds Python code, which is never"),
    "foreign": (
        ["--encoder={place}/double", *PICTURES],
        "double: expected a signature 'serving_default' from 'images' to 'features', or from one input of images "
        "[B, H, W, 3], uint8 or float32, to one output of features [B, d], float32; "
        "it maps 'x' float32 (None,) to 'y' float32 (None,)",
    ),
    "no split": (
        ["--encoder={place}/small.keras", "--dataset={place}/pictures"],
        "error: test_split: the folder {place}/pictures has no sub-folder 'test'; known: train, val",
    ),
    "no split to learn from": (
        ["--encoder={place}/small.keras", *PICTURES, "--train_split=tarin"],
        "error: train_split: the folder {place}/pictures has no sub-folder 'tarin'; known: train, val",
    ),
    "classes": (
        ["--encoder={place}/small.keras", "--dataset={place}/mixed"],
        "mixed train and {place}/mixed test: expected the same classes in the same order; only one of them has light, red",
    ),
    "one test image": (
        ["--encoder={place}/small.keras", "--dataset={place}/single"],
        "single test: expected at least 2 images to test on, got 1",
    ),
    "untrainable": (
        ["--encoder={place}/saved", *PICTURES, "--protocols=knn,fine_tune"],
        "fine-tuning expects a keras.Model, from a .keras file or a run folder; a SavedModelEncoder cannot be trained",
    ),
    "protocol": (["--encoder=x", *PICTURES, "--protocols=knn,svm"], "unknown protocol 'svm'; known: fine_tune, knn"),
    "k": (["--encoder=x", *PICTURES, "--k=0"], "--k: expected a whole number of at least 1, got 0"),
    "voters": (["--encoder={place}/small.keras", *PICTURES, "--k=100000"], "--k: expected at most "),
    "epochs": (
        ["--encoder=x", *PICTURES, "--fine_tune_epochs=0"],
        "--fine_tune_epochs: expected a whole number of at least",
    ),
    "out": (
        ["--encoder={place}/saved", *PICTURES, "--protocols=knn", "--out={place}/small.keras/out.json"],
        "--out: cannot write",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_gets_one_message_and_no_traceback(case, place, capsys):
    words, message = MISTAKES[case]
    assert run(place, *words) == 2
    shown = capsys.readouterr().err
    assert message.format(place=place) in shown and "Traceback" not in shown
