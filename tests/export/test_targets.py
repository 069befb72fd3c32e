"""Targets beside LiteRT: what the report says of them, with and without their tools."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.export import html_report, target_report
from dogo_tf.export.pipeline import Options, export_encoder
from dogo_tf.export.targets import _work, ethos_u, microcontroller, onnx, serving
from dogo_tf.export.targets._work import Work

ALL = ("ethos_u", "microcontroller", "onnx", "serving")


@pytest.fixture
def work(saved, tflite_files, images, reference, tmp_path):
    """A small export: its SavedModel and its int8 file."""
    integers = tmp_path / "tiny_int8.tflite"
    integers.write_bytes(tflite_files["int8"])
    return Work(tmp_path, "tiny", saved, {"int8": integers}, images, reference)


def answering(monkeypatch, module, status, stdout="", stderr=""):
    """The tool ends with these words."""
    done = subprocess.CompletedProcess([], status, stdout, stderr)
    monkeypatch.setattr(module, "run_tool", lambda *_: done)


def test_every_target_is_found_by_its_name():
    assert target_report.names() == ALL
    with pytest.raises(InputError, match="unknown target 'fpga'; known: ethos_u, microcontroller, onnx, serving"):
        Options(targets=("fpga",))


def test_a_tool_that_is_not_installed_is_told_with_the_extra(work, monkeypatch):
    monkeypatch.setattr(_work, "_installed", lambda module: False)
    report = target_report.examine(ALL, work)
    assert target_report.reasons(report) == [
        "ethos_u: needs ethos-u-vela: pip install 'dogo-tf[devices]'",
        "microcontroller: needs tflite-micro: pip install 'dogo-tf[devices]'",
        "onnx: needs tf2onnx, onnx, onnxruntime: pip install 'dogo-tf[devices]'",
    ]
    # What needs no tool is there all the same.
    head, rows = target_report.table(report)
    assert head == ["file", "Ethos-U55", "Ethos-U65", "microcontroller", "ONNX", "TF Serving"]
    assert rows == [["saved_model", "-", "-", "-", "-", "serving/tiny/1"]]


def test_without_an_integer_file_they_say_so(work, monkeypatch):
    monkeypatch.setattr(_work, "_installed", lambda module: True)
    without = Work(work.folder, "tiny", work.saved_model, {}, work.images, work.reference)
    report = target_report.examine(("ethos_u", "microcontroller"), without)
    assert target_report.reasons(report) == [
        f"{name}: it takes integer files only, and none was exported that passed"
        for name in ("ethos_u", "microcontroller")
    ]


FAILURES = {
    "ethos_u": (ethos_u, "int8", "Vela cannot compile it for ethos-u55-128: Error: bad operator"),
    "microcontroller": (microcontroller, "int8", "tflite-micro cannot run it: Error: bad operator"),
    "onnx": (onnx, "saved_model", "tf2onnx cannot convert it: Error: bad operator"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_tool_that_fails_is_quoted(name, work, monkeypatch):
    module, variant, reason = FAILURES[name]
    answering(monkeypatch, module, 1, stderr="Traceback\n\n  Error: bad operator\n".replace("Traceback\n", ""))
    finding = module.examine(work)[variant]
    assert finding.reason == reason and finding.cells == {}
    assert not (work.folder / "tiny.onnx").exists()


def test_a_file_too_large_for_the_arena_is_told_with_both_numbers(work, monkeypatch):
    facts = {"arena_bytes": 57344, "same_as_reference_kernels": 1.0}
    answering(monkeypatch, microcontroller, 0, stdout=f"INFO\n{json.dumps(facts)}\n")
    small = Work(
        *(getattr(work, part) for part in ("folder", "name", "saved_model", "integer_files", "images", "reference")),
        32_000,
    )
    found = microcontroller.examine(small)["int8"]
    assert (
        found.reason == "too large: it needs an arena of 57 kB, the device has 32 kB (--arena_kb)"
        and found.facts == facts
    )
    fits = microcontroller.examine(work)["int8"]
    assert fits.reason is None and fits.cells == {"microcontroller": "57 kB arena, same integers"}


def test_what_vela_prints_is_read(tmp_path):
    printed = (
        "CPU operators = 2 (6.3%)\nNPU operators = 30 (93.8%)\n   CPU: Cast = a\n   NPU: Conv2D = b\n   CPU: Cast = c\n"
    )
    names = "cycles_total,inference_time,sram_memory_used,dram_memory_used,on_chip_flash_memory_used,off_chip_flash_memory_used"
    (tmp_path / "t.csv").write_text(
        f"{names},system_config,memory_mode,core_clock\n2000,0.004,1.5,0,0,2,System,Mode,5e8\n"
    )
    found = ethos_u._read(printed, tmp_path / "t.csv")
    assert (found["npu_operators"], found["cpu_operators"], found["on_cpu"]) == (30, 2, ["Cast"])
    assert (found["cycles"], found["inference_ms"], found["system"]) == (2000, 4.0, "System")
    assert found["memory_bytes"] == {"sram": 1536, "dram": 0, "on_chip_flash": 0, "off_chip_flash": 2048}


def test_a_vela_that_says_something_else_does_not_end_the_export(work, monkeypatch):
    def told(*words):
        folder = Path(words[words.index("--output-dir") + 1])
        (folder / "summary.csv").write_text("cycles\n12\n")
        return subprocess.CompletedProcess([], 0, "CPU operators = 0 (0%)\n", "")

    monkeypatch.setattr(ethos_u, "run_tool", told)
    finding = ethos_u.examine(work)["int8"]
    assert finding.reason == "what Vela says of ethos-u55-128 cannot be read; is it another version?"


def test_the_report_of_an_export_shows_them(encoder, tmp_path, monkeypatch, images):
    monkeypatch.setattr(_work, "_installed", lambda module: False)
    data = ImageSet("set", np.resize(images, (256, *images.shape[1:])))
    report = export_encoder(encoder, tmp_path / "out", data, data, Options(("float32",)), "tiny")
    assert (tmp_path / "out" / "serving" / "tiny" / "1" / "saved_model.pb").is_file()
    told = json.loads((tmp_path / "out" / "report.json").read_text())["targets"]
    assert told["onnx"]["reason"].startswith("needs tf2onnx") and told["serving"]["reason"] is None
    page = html_report.page(report)
    assert "serving/tiny/1" in page and "ethos_u: needs ethos-u-vela" in page


@pytest.mark.slow
def test_the_numbered_folder_is_run_by_tensorflows_own_command(work, images, reference):
    (finding,) = serving.examine(work).values()
    folder = work.folder / finding.facts["path"]
    assert folder.name == "1" and sorted(path.name for path in folder.parent.iterdir()) == ["1"]
    np.save(work.folder / "images.npy", images)
    words = ["run", "--dir", folder, "--tag_set", "serve", "--signature_def", "serving_default"]
    words += ["--inputs", f"images={work.folder / 'images.npy'}", "--outdir", work.folder / "answers"]
    program = "import sys; from tensorflow.python.tools.saved_model_cli import main; sys.exit(main())"
    child = subprocess.run([sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    found = np.load(work.folder / "answers" / "features.npy")
    np.testing.assert_allclose(found, reference, atol=1e-5 * np.abs(reference).max())


@pytest.mark.slow
def test_the_onnx_file_gives_the_same_features(work, images, reference):
    for name in onnx.MODULES:
        pytest.importorskip(name)
    (finding,) = onnx.examine(work).values()
    assert finding.reason is None and finding.cells["ONNX"].startswith("tiny.onnx, ")
    found = onnx.features(work.folder / "tiny.onnx", images)
    np.testing.assert_allclose(found, reference, atol=1e-5 * np.abs(reference).max())
    # The gate can fail: of another network's features nothing is kept.
    shutil.copy(work.folder / "tiny.onnx", work.folder / "other.onnx")
    other = onnx._compare(
        work.folder / "other.onnx", Work(work.folder, "other", work.saved_model, {}, images, reference[::-1])
    )
    assert other.reason.startswith("differs too much from the original, by the limits of float32: ")


@pytest.mark.slow
def test_a_microcontrollers_interpreter_gives_nearly_the_same_integers(work, tflite_files):
    runtime = pytest.importorskip("tflite_micro").runtime
    (finding,) = microcontroller.examine(work).values()
    facts = finding.facts
    assert finding.reason is None and facts["images"] == 16
    assert facts["same_as_reference_kernels"] >= 0.95 and facts["most_steps_from_reference_kernels"] <= 1
    # The arena is the real one: a kB less is too little.
    runtime.Interpreter.from_bytes(tflite_files["int8"], arena_size=facts["arena_bytes"])
    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_bytes(tflite_files["int8"], arena_size=facts["arena_bytes"] - microcontroller.STEP)
    work.integer_files["int8"].write_bytes(tflite_files["dynamic_range"])
    (finding,) = microcontroller.examine(work).values()
    assert finding.reason.startswith("tflite-micro cannot run it: ")


@pytest.mark.slow
def test_vela_places_an_integer_file_on_the_accelerator(work, tflite_files):
    pytest.importorskip("ethosu.vela")
    (finding,) = ethos_u.examine(work).values()
    assert finding.reason is None and set(finding.cells) == {"Ethos-U55", "Ethos-U65"}
    for facts in finding.facts.values():
        assert facts["cpu_operators"] == 0 and facts["npu_operators"] > 5 and facts["cycles"] > 1000
        assert facts["memory_bytes"]["sram"] > 0
    work.integer_files["int8"].write_bytes(tflite_files["float32"])
    (finding,) = ethos_u.examine(work).values()
    assert finding.reason or all(facts["npu_operators"] == 0 for facts in finding.facts.values())
