"""What an export refuses: files that fail their gates, folders not its own, wrong requests; it leaves nothing half-done."""

from dataclasses import replace
from unittest.mock import Mock

import pytest
from small_export import TEST, TRAIN, image_set, quick

from dogo_tf.errors import InputError
from dogo_tf.export import metadata, parity, pipeline
from dogo_tf.export.pipeline import GateFailure, export_encoder
from dogo_tf.export.runtime import Encoder


@pytest.mark.slow
def test_integers_that_litert_does_not_load_leave_the_other_files(encoder, tmp_path, monkeypatch):
    def refuse(*_):
        raise InputError("int8: LiteRT cannot load it")

    monkeypatch.setattr("dogo_tf.export.int8.calibrated.best", refuse)
    with pytest.raises(GateFailure, match="LiteRT cannot load it") as failure:
        export_encoder(encoder, tmp_path / "out", TRAIN, TEST, quick(formats=("float16", "int8", "int8_qat")), "tiny")
    assert {path.name for path in (tmp_path / "out").glob("*.tflite")} == {"tiny_float16.tflite"}
    assert failure.value.report.details["refused"].keys() == {"int8", "int8_qat"}


@pytest.fixture
def strict(monkeypatch):
    """int8 cannot be this good."""
    monkeypatch.setitem(parity.LIMITS, "int8", (("error_ratio", "at most", 1e-9),))


def test_what_fails_its_gate_is_not_written_but_told_with_advice(encoder, strict, tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(GateFailure) as failure:
        export_encoder(encoder, folder, TRAIN, TEST, quick(formats=("float16", "int8")), "tiny")
    message = str(failure.value)
    assert "int8: error_ratio is " in message and "expected at most 1e-09" in message
    assert (
        "other calibration images" in message
        and "; take float16, which passed" in message
        and "--force" in message
        and str(folder) in message
    )
    assert {path.name for path in folder.glob("tiny*")} == {"tiny_float16.tflite", "tiny_float16.json"}
    item = failure.value.report.item("int8")
    assert item.path is None and len(item.problems) == 1 and item.latency is not None
    assert failure.value.report.as_dict()["recommendation"].startswith("float16: ")
    assert "Outside the limits" in (folder / "report.html").read_text()


def test_force_writes_it_and_the_description_says_so(encoder, strict, tmp_path):
    report = export_encoder(encoder, tmp_path / "out", TRAIN, TEST, quick(formats=("int8",), force=True), "tiny")
    description = Encoder(tmp_path / "out" / "tiny_int8.tflite").metadata
    assert description["problems"] == list(report.item("int8").problems) != []
    assert report.as_dict()["recommendation"] == "none: no .tflite format passed its gates"


@pytest.mark.slow
def test_a_folder_that_exists_is_replaced_only_if_asked_and_only_an_export(encoder, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    export_encoder(encoder, folder, TRAIN, TEST, quick(formats=("float32",)), "first")  # empty: fine
    with pytest.raises(InputError, match="out exists already; choose another folder or give --overwrite"):
        export_encoder(encoder, folder, TRAIN, TEST, quick())
    export_encoder(encoder, folder, TRAIN, TEST, quick(formats=("float16",), overwrite=True), "second")
    assert {path.name for path in folder.glob("*.tflite")} == {"second_float16.tflite"}
    own = tmp_path / "own"
    own.mkdir()
    (own / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match=r"own holds files but no earlier export \(report.json\); it is not replaced"):
        export_encoder(encoder, own, TRAIN, TEST, quick(overwrite=True))
    with pytest.raises(InputError, match="thesis.txt is a file; expected a folder"):
        export_encoder(encoder, own / "thesis.txt", TRAIN, TEST, quick(overwrite=True))
    assert [path.name for path in own.iterdir()] == ["thesis.txt"]


def test_only_what_is_asked_for_is_timed(encoder, tmp_path, monkeypatch):
    """The converter's int8 file, of which int8_qat is made, may be one that LiteRT does not load."""
    timed = Mock(side_effect=ZeroDivisionError)
    made = pipeline.int8_formats.Made({"int8_qat": b"trained"}, {}, {})
    monkeypatch.setattr(pipeline.latency, "measure", timed)
    monkeypatch.setattr(pipeline.int8_formats, "make", lambda *_: made)
    with pytest.raises(ZeroDivisionError):
        export_encoder(encoder, tmp_path / "out", TRAIN, TEST, quick(formats=("float16", "int8_qat")), "tiny")
    assert set(timed.call_args.args[0]) == {"float32", "float16", "int8_qat"}


@pytest.mark.slow
def test_a_full_disk_leaves_the_old_export_and_nothing_new(encoder, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    export_encoder(encoder, folder, TRAIN, TEST, quick(formats=("float32",)), "tiny")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    write = metadata.write_atomically

    def full(path, data):
        if path.name == "tiny_float16.json":
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(metadata, "write_atomically", full)
    with pytest.raises(InputError, match="cannot write .*: No space left on device"):
        export_encoder(encoder, folder, TRAIN, TEST, quick(formats=("float32", "float16"), overwrite=True), "tiny")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


WRONG = {
    "format": ({"formats": ("float32", "int3")}, {}, "unknown TFLite format 'int3'; known: dynamic_range"),
    "few": ({}, {"test": image_set(255, 1)}, "test images: expected at least 256 to check parity with; there are 255"),
    "batch": (
        {"formats": ("float16", "int8_qat")},
        {"train": image_set(63, 0)},
        "int8_qat: expected at least 64 images to learn from, a batch; there are 63",
    ),
    "parity": ({"parity_images": 100}, {}, "parity_images=100 are to be used"),
    "one class": (
        {"head": True},
        {"train": replace(TRAIN, labels=TRAIN.labels * 0)},
        "head: expected images of each class, .* to train it with; set 0: all images are of one class, red",
    ),
    "no example": (
        {"head": True},
        {"train": replace(TRAIN, labels=TRAIN.labels % 2)},
        "head: expected images of each class, and two classes or more, to train it with; set 0: no image of blue",
    ),
    "calibration": ({}, {"train": image_set(60, 0)}, "calibration_images: 100 are wanted, but there are only 60"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_requests_are_refused_before_anything_is_computed(case, encoder, tmp_path, monkeypatch):
    changed, data, message = WRONG[case]
    monkeypatch.setattr(pipeline, "embed", lambda *_: pytest.fail("too late"))
    with pytest.raises(InputError, match=message):
        sets = {"train": TRAIN, "test": TEST} | data
        export_encoder(encoder, tmp_path / "out", **sets, options=replace(quick(), **changed))
    assert list(tmp_path.iterdir()) == []
