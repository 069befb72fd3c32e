"""The whole export: what is written, measured and reported."""

import html
import json
from dataclasses import replace
from functools import partialmethod

import numpy as np
import pytest
from small_export import TEST, TRAIN, image_set, quick

from dogo_tf.errors import InputError
from dogo_tf.evaluate.probe import probe
from dogo_tf.evaluate.saved_model_encoder import SavedModelEncoder
from dogo_tf.evaluate.sources import load_encoder
from dogo_tf.export import parity, qat, tflite
from dogo_tf.export.int8.calibrated import CONVERTER
from dogo_tf.export.int8.ranges import RULES
from dogo_tf.export.pipeline import GateFailure, export_encoder
from dogo_tf.export.report import quantisation
from dogo_tf.export.runtime import Encoder
from dogo_tf.platform.keras_compat import keras


@pytest.fixture(scope="module")
def exported(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "new" / "out"
    return export_encoder(encoder, folder, TRAIN, TEST, quick(head=True), "tiny", origin={"run": "x"}), folder


def test_every_artefact_is_there_and_measured(exported):
    report, folder = exported
    names = {path.name for path in folder.iterdir()}
    assert names == {"saved_model", "README.md", "report.json", "report.html"} | {
        f"tiny_{name}.{ending}" for name in tflite.FORMATS for ending in ("tflite", "json")
    }
    assert [item.format for item in report.items] == ["saved_model", *tflite.FORMATS]
    for item in report.items[1:]:
        assert item.path.stat().st_size == item.size_bytes and item.problems == ()
        assert parity.violations(item.parity, item.format) == [] and item.parity.images == 256
        assert set(item.scores) == {"knn", "linear", "head"} and item.scores["head"].accuracy > 0.8
        assert item.latency.median_ms > 0 and item.graph.builtin_only
    assert report.item("int8").graph.float_operators == 0
    assert report.details["calibration"]["images"] == 100 and report.details["calibration"]["data"] == "set 0"
    assert [path.name for path in folder.parent.iterdir()] == ["out"]


def test_the_report_files_hold_what_was_returned(exported):
    report, folder = exported
    description = json.loads((folder / "report.json").read_text())
    assert description == json.loads(json.dumps(report.as_dict()))
    assert description["origin"] == {"run": "x"}
    assert description["formats"]["int8"]["size_bytes"] == report.item("int8").size_bytes
    assert description["recommendation"].split(":")[0] in tflite.FORMATS and description["hardware"]["cores"] >= 1
    page = (folder / "report.html").read_text()
    assert (
        page.count("data:image/svg+xml;base64,") == 2
        and "http://" not in page
        and "https:" not in page
        and "<script" not in page
    )
    assert all(f">{name}</td>" in page for name in tflite.FORMATS) and "CONV_2D 2" in page


@pytest.mark.parametrize("name", tflite.FORMATS)
def test_labels_travel_with_every_file(name, exported):
    _, folder = exported
    encoder = Encoder(folder / f"tiny_{name}.tflite")
    assert encoder.labels == ("red", "green", "blue")
    found = encoder.classify(list(TEST.images))
    truth = [TEST.class_names[label] for label in TEST.labels]
    accuracy = np.mean([label == true for (label, _), true in zip(found, truth, strict=True)])
    assert accuracy == pytest.approx(encoder.metadata["scores"]["head"]["accuracy"], abs=0.02)
    assert all(1 / 3 <= confidence <= 1 for _, confidence in found)
    assert np.mean([confidence for _, confidence in found]) == pytest.approx(accuracy, abs=0.15)
    calibrated = {"lowest": 0, "highest": 255, "extended": False, "images": 100, "judging": 200, "held_out": True}
    calibrated["learning"] = 100
    assert encoder.metadata["calibration"] == (calibrated if name == "int8" else None)
    assert (encoder.metadata["quantisation"] is not None) == (name == "int8")


@pytest.mark.parametrize("name", tflite.FORMATS)
def test_every_evaluation_reads_every_file(name, exported):
    report, folder = exported
    found = probe(load_encoder(folder / f"tiny_{name}.tflite"), TRAIN, TEST, fractions=(1.0, 0.1))
    assert found.knn.accuracy == report.item(name).scores["knn"].accuracy
    assert found.linear[1.0].accuracy == pytest.approx(report.item(name).scores["linear"].accuracy, abs=0.03)
    assert found.linear[0.1].n_train == 30


def test_the_report_says_which_ranges_were_tried(exported):
    report, folder = exported
    found = report.details["quantisation"]["int8"]
    assert set(found["tried"]) == {CONVERTER, *RULES} and found["tried"][found["rule"]] == min(found["tried"].values())
    (line,) = quantisation(report)
    assert line.startswith(f"int8: ranges by {found['rule']}, the best on 200 other images (E: converter ")
    assert line.removeprefix("int8: ") in html.unescape((folder / "report.html").read_text())


def test_labels_of_no_use_leave_out_the_accuracies(encoder, tmp_path, capsys):
    train = replace(TRAIN, labels=TRAIN.labels % 2)
    report = export_encoder(encoder, tmp_path / "out", train, TEST, quick(formats=("float16",)), "tiny")
    assert capsys.readouterr().out == "no accuracies: set 0: no image of blue\n"
    assert report.reference == {} and report.item("float16").scores == {} and report.item("float16").path.is_file()


@pytest.fixture
def short_training(monkeypatch):
    monkeypatch.setattr(qat.Settings, "__init__", partialmethod(qat.Settings.__init__, steps=20, learning_rate=1e-3))


@pytest.mark.slow
def test_int8_qat_is_trained_measured_and_written_beside_int8(encoder, short_training, tmp_path):
    unlabelled = [replace(part, labels=None, class_names=()) for part in (TRAIN, TEST)]
    report = export_encoder(encoder, tmp_path / "out", *unlabelled, quick(formats=("int8", "int8_qat")), "tiny")
    assert {path.name for path in (tmp_path / "out").glob("*.tflite")} == {"tiny_int8.tflite", "tiny_int8_qat.tflite"}
    item = report.item("int8_qat")
    assert item.problems == () and item.graph.float_operators == 0 and item.latency.ratio > 0
    details = report.details["quantisation"]["int8_qat"]
    assert details["trained"] == pytest.approx(min(details["training"]["errors"].values()), rel=0.05)
    assert item.parity.error_ratio < 1.2 * report.item("int8").parity.error_ratio
    assert details["training"]["steps"] == 20 and details["training"]["images"] == 100  # 200 judge
    assert details["training"]["agreement"] >= 0.999
    assert "; trained for 20 steps of 64 images in " in quantisation(report)[1]
    assert Encoder(tmp_path / "out" / "tiny_int8_qat.tflite").metadata["quantisation"]["training"]["batch_size"] == 64


@pytest.mark.slow
def test_an_encoder_that_cannot_be_trained_under_rounding_keeps_its_other_files(encoder, tmp_path):
    tanh = keras.Model(encoder.inputs, keras.layers.Activation("tanh")(encoder.outputs[0]), name="curved")
    with pytest.raises(GateFailure, match="operations whose rounding is not known: TANH") as failure:
        export_encoder(tanh, tmp_path / "out", TRAIN, TEST, quick(formats=("int8", "int8_qat"), force=True), "tiny")
    assert {path.name for path in (tmp_path / "out").glob("*.tflite")} == {"tiny_int8.tflite"}
    assert "What was made, and the report, are in" in str(failure.value)
    assert failure.value.report.details["refused"].keys() == {"int8_qat"}
    assert "TANH" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.slow
def test_dark_images_calibrate_as_well(encoder, tmp_path):
    """Without the two pixels that complete their range, devices would have to scale what they hand over."""
    dark = [replace(part, images=part.images // 3 + 10) for part in (TRAIN, TEST)]
    report = export_encoder(encoder, tmp_path / "out", *dark, quick(formats=("int8",)), "dark")
    assert report.details["calibration"]["extended"] and report.details["calibration"]["highest"] == 95
    description = Encoder(tmp_path / "out" / "dark_int8.tflite").metadata  # it checks the scale of the input
    assert description["calibration"]["lowest"] == 10 and description["calibration"]["extended"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "values 10..95; one pixel each was set to 0 and 255" in page


@pytest.mark.slow
def test_a_set_of_its_own_can_be_calibrated_on(encoder, tmp_path):
    own = image_set(120, 7, labelled=False)
    small = image_set(60, 0)  # too few to calibrate on
    report = export_encoder(encoder, tmp_path / "out", small, TEST, quick(formats=("int8",)), calibration_set=own)
    assert report.details["calibration"]["data"] == "set 7"


@pytest.mark.slow
def test_a_saved_model_goes_the_same_way(exported, encoder, tmp_path):
    _, folder = exported
    source = SavedModelEncoder(folder / "saved_model")
    assert source.has_logits
    report = export_encoder(source, tmp_path / "again", TRAIN, TEST, quick(formats=("float16", "int8")))
    assert report.encoder == "saved_model" and report.items[0].parity.relative_difference < 1e-6
    features = Encoder(tmp_path / "again" / "saved_model_int8.tflite").features(TEST.images)
    assert parity.violations(parity.compare(encoder.predict(TEST.images, verbose=0), features), "int8") == []


def test_confidences_are_as_high_as_the_accuracy_on_labels_that_are_partly_wrong(encoder, tmp_path):
    """The head learns from right labels and is nearly certain; a fifth of the test labels are wrong."""
    labels = np.where(np.arange(256) % 5 == 0, (TEST.labels + 1) % 3, TEST.labels)
    noisy = replace(TEST, labels=labels)
    report = export_encoder(encoder, tmp_path / "out", TRAIN, noisy, quick(head=True, formats=("float32",)), "tiny")
    file = Encoder(report.item("float32").path)
    found = file.classify(list(TEST.images))
    accuracy = np.mean([name == TEST.class_names[label] for (name, _), label in zip(found, labels, strict=True)])
    assert np.mean([confidence for _, confidence in found]) == pytest.approx(accuracy, abs=0.05) and accuracy < 0.9
    assert file.metadata["temperature"] == report.details["temperature"] > 1.5


def test_without_labels_there_are_no_accuracies_and_no_head(encoder, tmp_path):
    train, test = image_set(100, 0, labelled=False), image_set(256, 1, labelled=False)
    report = export_encoder(encoder, tmp_path / "out", train, test, quick(formats=("float16",)))
    assert report.reference == {} and report.item("float16").scores == {}
    assert report.details["calibration"] is None  # no integer format was asked for
    with pytest.raises(
        InputError, match="head: expected labelled images to train it with; set 0 or set 1 has no labels"
    ):
        export_encoder(encoder, tmp_path / "other", train, test, quick(head=True))
    assert not (tmp_path / "other").exists()
