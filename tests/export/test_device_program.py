"""runtime.py as a program on a device, and what it measured there in the report."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dogo_tf.data.image_set import ImageSet
from dogo_tf.export import device_timing, load_card, report_file, runtime
from dogo_tf.export import main as export_main
from dogo_tf.export.pipeline import Options, export_encoder
from dogo_tf.platform.keras_compat import keras

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """An export of 16 x 16 pixels with a head, in two formats, and two pictures beside it."""
    keras.utils.set_random_seed(0)
    images = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(4, 3, 2, activation="relu")(keras.layers.Rescaling(1 / 64, -2.0)(images))
    encoder = keras.Model(images, keras.layers.GlobalAveragePooling2D()(x), name="tiny")
    labels = np.arange(256) % 2
    noise = np.random.default_rng(0).normal(0, 30, (256, 16, 16, 3))
    pixels = np.clip(60 + 120 * labels[:, None, None, None] + noise, 0, 255).astype(np.uint8)
    data = ImageSet("set", pixels, labels, ("dark", "light"))
    folder = tmp_path_factory.mktemp("device") / "out"
    export_encoder(encoder, folder, data, data, Options(("float32", "float16"), head=True, targets=()), "tiny")
    for name, colour in (("dark", 50), ("light", 200)):
        Image.new("RGB", (40, 30), (colour,) * 3).save(folder.parent / f"{name}.png")
    return folder


@pytest.fixture
def folder(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "copy")


def measured(folder, variant, capsys, *words) -> dict:
    assert runtime.main([str(folder / f"tiny_{variant}.tflite"), "--benchmark", "--calls=3", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_copied_file_is_a_program(exported, tmp_path):
    shutil.copy(ROOT / "export" / "runtime.py", tmp_path)
    pictures = [str(exported.parent / f"{name}.png") for name in ("dark", "light")]
    words = [sys.executable, "runtime.py", str(exported / "tiny_float16.tflite"), *pictures]
    child = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert child.returncode == 0, child.stderr
    rows = [line.split("\t") for line in child.stdout.splitlines()]
    assert [row[:2] for row in rows] == [[pictures[0], "dark"], [pictures[1], "light"]]
    assert all(0.5 <= float(row[2]) <= 1 for row in rows)


def test_without_labels_it_prints_features(exported, tmp_path, capsys):
    alone = tmp_path / "alone.tflite"
    model, _ = runtime._read(exported / "tiny_float32.tflite", "tiny")
    alone.write_bytes(model)
    picture = str(exported.parent / "dark.png")
    assert runtime.main([str(alone), picture]) == 0
    name, _, numbers = capsys.readouterr().out.strip().partition("\t")
    assert name == picture
    np.testing.assert_allclose(
        [float(number) for number in numbers.split()], runtime.Encoder(alone).features(picture)[0], rtol=1e-5
    )


def test_a_bad_picture_costs_its_line_only(exported, tmp_path, capsys):
    (tmp_path / "bad.jpg").write_text("no picture")
    words = [str(exported / "tiny_float16.tflite"), str(tmp_path / "bad.jpg"), str(exported.parent / "light.png")]
    assert runtime.main(words) == 2
    told = capsys.readouterr()
    assert told.err.startswith(f"error: {tmp_path / 'bad.jpg'}: cannot be read as an image: ")
    assert told.out.split("\t")[1] == "light"


@pytest.mark.parametrize(
    "words, message",
    [
        (["missing.tflite", "--benchmark"], "error: missing.tflite: cannot be read: No such file or directory\n"),
        (["{model}", "--benchmark", "--threads=0"], "error: threads: expected at least 1, got 0\n"),
        (["{model}", "--benchmark", "--calls=0"], "error: calls: expected at least 1, got 0\n"),
        (["{model}", "--benchmark", "no.jpg"], "error: no.jpg: cannot be read as an image: [Errno 2]"),
    ],
)
def test_mistakes_are_told_in_one_line(words, message, exported, capsys):
    assert runtime.main([word.format(model=exported / "tiny_float16.tflite") for word in words]) == 2
    told = capsys.readouterr()
    assert told.err.startswith(message) and told.err.count("\n") == 1 and told.out == ""


def test_something_must_be_asked(exported, capsys):
    with pytest.raises(SystemExit) as stopped:
        runtime.main([str(exported / "tiny_float16.tflite")])
    assert stopped.value.code == 2 and "expected pictures, or --benchmark" in capsys.readouterr().err


def test_a_benchmark_tells_what_was_measured_where(exported, capsys):
    found = measured(exported, "float16", capsys, "--threads=2")
    assert (found["file"], found["variant"], found["encoder"]) == ("tiny_float16.tflite", "float16", "tiny")
    assert (found["batch"], found["threads"], found["calls"], found["with_image_ms"]) == (1, 2, 3, None)
    assert 0 < found["median_ms"] <= found["p95_ms"] and found["load_ms"] > 0
    assert found["peak_memory_bytes"] > 1e7 and found["memory_bytes"] >= 0
    description = json.loads((exported / "tiny_float16.json").read_text())
    assert found["sha256"] == description["sha256"]
    assert found["device"]["name"] and found["device"]["python"] == ".".join(map(str, sys.version_info[:3]))
    picture = str(exported.parent / "dark.png")
    assert measured(exported, "float16", capsys, picture)["with_image_ms"] > 0


def test_measurements_stand_beside_the_others_in_the_report(folder, tmp_path, capsys):
    before = json.loads((folder / "report.json").read_text())
    for variant, median in (("float16", 1.5), ("float32", 2.25)):
        found = measured(folder, variant, capsys)
        found |= {"median_ms": median, "device": found["device"] | {"name": "<b>Board</b>"}}
        (tmp_path / f"{variant}.json").write_text(json.dumps(found))
    files = ",".join(str(tmp_path / f"{variant}.json") for variant in ("float16", "float32"))
    assert export_main.run(["dogo-export", f"--out={folder}", f"--report_add={files}"]) == 0
    assert "| <b>Board</b> | float16 |" in capsys.readouterr().out
    after = json.loads((folder / "report.json").read_text())
    assert [entry["median_ms"] for entry in after.pop("devices")] == [1.5, 2.25]
    assert after == before  # nothing else has changed
    page = (folder / "report.html").read_text()
    assert "On devices" in page and "&lt;b&gt;Board&lt;/b&gt;" in page and ">2.25</td>" in page
    load_card(folder)  # the card still fits
    # The same file, device and threads again: the new measurement counts.
    (tmp_path / "float16.json").write_text(json.dumps(found | {"median_ms": 9.5}))
    assert export_main.run(["dogo-export", f"--out={folder}", f"--report_add={tmp_path / 'float16.json'}"]) == 0
    assert [row[3] for row in device_timing.rows(report_file.load(folder))] == ["1.50", "9.50"]


BAD = {
    "no file": (None, "report_add: .*x.json cannot be read: No such file or directory"),
    "no JSON": ("median", "x.json: expected what `python runtime.py MODEL.tflite --benchmark` prints"),
    "other JSON": ("[1]", "x.json: expected what `python runtime.py MODEL.tflite --benchmark` prints"),
    "text for a number": ({"median_ms": "fast"}, "expected what `python runtime.py"),
    "another model": (
        {"sha256": "0" * 64},
        "measured tiny_float16.tflite of sha256 0{64}, which is none of the files in",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_measurement_of_these_files_is_refused(case, folder, tmp_path, capsys):
    content, message = BAD[case]
    if isinstance(content, dict):
        content = json.dumps(measured(folder, "float16", capsys) | content)
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    before = (folder / "report.json").read_bytes()
    assert export_main.run(["dogo-export", f"--out={folder}", f"--report_add={tmp_path / 'x.json'}"]) == 2
    told = capsys.readouterr().err
    assert re.search(message, told), told
    assert (folder / "report.json").read_bytes() == before


def test_there_must_be_a_report_to_add_to(exported, tmp_path, capsys):
    assert export_main.run(["dogo-export", "--report_add=x.json"]) == 2
    assert "--report_add: expected the folder of an earlier export, --out or --run_dir" in capsys.readouterr().err
    assert export_main.run(["dogo-export", f"--out={tmp_path}", "--report_add=x.json"]) == 2
    assert "report.json: expected an export's report; it cannot be read: No such file" in capsys.readouterr().err
    earlier = json.loads((exported / "report.json").read_text())
    del earlier["targets"]
    for text in ("{", "[]", "{}", '{"formats": {}}', json.dumps(earlier)):
        (tmp_path / "report.json").write_text(text)
        assert export_main.run(["dogo-export", f"--out={tmp_path}", "--report_add=x.json"]) == 2
        assert "expected the report of an export by this version; export again" in capsys.readouterr().err
