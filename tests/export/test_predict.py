"""dogo-predict from the command line to the files."""

import csv
import os
import tarfile

import numpy as np
import pytest
from pictures import declare_png
from PIL import Image

from dogo_tf.evaluate.classifier import LinearClassifier
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import metadata, predict, tflite
from dogo_tf.export.runtime import Encoder
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras
from dogo_tf.sources import remote

COLOURS = {"red": (220, 30, 30), "green": (30, 220, 30), "blue": (30, 30, 220)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of three colours; small.tflite tells them by their mean colour, headless.tflite has no labels."""
    path = tmp_path_factory.mktemp("predict")
    generator = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (path / "pictures" / name).mkdir(parents=True)
        for i in range(4):
            pixels = np.clip(generator.normal(colour, 20, (20, 30 + i, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(path / "pictures" / name / f"{i}.png")
    (path / "only").mkdir()
    Image.new("RGB", (20, 20)).save(path / "only" / "0.png")
    images = keras.Input((16, 16, 3))
    scaled = keras.layers.Rescaling([1 / 255] * 3, [0.0] * 3)(images)
    encoder = keras.Model(images, keras.layers.GlobalAveragePooling2D()(scaled), name="colour")
    calibration = generator.integers(0, 256, (100, 16, 16, 3), np.uint8)
    head = LinearClassifier(10 * np.eye(3, dtype=np.float32), np.zeros(3, np.float32), 1.0, True)
    for name, classifier, labels in (("small", head, list(COLOURS)), ("headless", None, None)):
        saved = export_saved_model(encoder, path / f"{name}_saved", head=classifier)
        data = tflite.convert(saved, ["int8"], calibration)["int8"]
        told = metadata.describe(encoder, name, "int8", data, TFLiteEncoder(data).stated_outputs, labels=labels)
        metadata.write(path / f"{name}.tflite", data, told)
    return path


def run(folder, out, *more, model="small"):
    words = [f"--model={folder / model}.tflite", f"--images={folder / 'pictures'}", f"--out={out}", *more]
    return predict.run(["dogo-predict", *words])


def expected_paths(folder):
    return [str(folder / "pictures" / name / f"{i}.png") for name in ("blue", "green", "red") for i in range(4)]


def test_features_as_arrays_and_as_text(folder, tmp_path):
    assert run(folder, tmp_path / "new" / "features.npz") == 0
    with np.load(tmp_path / "new" / "features.npz") as found:
        features, paths = found["features"], found["paths"].tolist()
    assert paths == expected_paths(folder) and features.dtype == np.float32
    np.testing.assert_array_equal(features, Encoder(folder / "small.tflite").features(paths))
    assert run(folder, tmp_path / "features.csv", "--normalise") == 0
    head, *rows = csv.reader((tmp_path / "features.csv").read_text().splitlines())
    assert head == ["path", "feature_0", "feature_1", "feature_2"] and [row[0] for row in rows] == paths
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    np.testing.assert_allclose(np.array([row[1:] for row in rows], float), unit, atol=1e-6)


def test_labels_with_confidence(folder, tmp_path):
    assert run(folder, tmp_path / "labels.csv", "--labels") == 0
    head, *rows = csv.reader((tmp_path / "labels.csv").read_text().splitlines())
    assert head == ["path", "label", "confidence"] and len(rows) == 12
    for path, label, confidence in rows:
        assert f"/{label}/" in path and 0.9 < float(confidence) <= 1


def test_images_may_be_one_file_a_pattern_or_a_list(folder, tmp_path):
    pictures = folder / "pictures"
    (folder / "list.csv").write_text("path,split\npictures/red/2.png,val\npictures/blue/0.png,train\n")
    asked = {
        str(pictures / "red" / "1.png"): [pictures / "red" / "1.png"],
        f"{pictures}/**/[01].png": sorted(pictures / name / f"{i}.png" for name in COLOURS for i in (0, 1)),
        str(folder / "list.csv"): [pictures / "red" / "2.png", pictures / "blue" / "0.png"],
    }
    for k, (words, files) in enumerate(asked.items()):
        assert run(folder, tmp_path / f"{k}.npz", f"--images={words}") == 0
        with np.load(tmp_path / f"{k}.npz") as found:
            assert found["paths"].tolist() == [str(file) for file in files]


@pytest.mark.parametrize("url", ["https://example.org/1.png", "s3://photos/photos.tar/a/1.png"])
def test_a_list_of_urls_is_for_other_commands_and_no_server_is_asked(folder, tmp_path, monkeypatch, capsys, url):
    monkeypatch.setattr(remote, "attempted", lambda asked, _: pytest.fail(f"{asked} was asked"))
    (tmp_path / "urls.csv").write_text(f"path\n{url}\n")
    assert run(folder, tmp_path / "f.npz", f"--images={tmp_path}/urls.csv") == 2
    assert f"--images: expected files of this machine; {tmp_path}/urls.csv names URLs" in capsys.readouterr().err


def test_a_list_of_members_of_an_archive_is_for_other_commands(folder, tmp_path, capsys):
    with tarfile.open(tmp_path / "photos.tar", "w"):
        pass
    (tmp_path / "members.csv").write_text("path\nphotos.tar/a/1.png\n")
    assert run(folder, tmp_path / "f.npz", f"--images={tmp_path}/members.csv") == 2
    expected = "members.csv: photos.tar/a/1.png is in an archive, which only the commands with --dataset read"
    assert expected in capsys.readouterr().err


def test_the_nearest_of_a_query_as_a_picture(folder, tmp_path, capsys):
    query = folder / "pictures" / "green" / "2.png"
    assert run(folder, tmp_path / "near.png", f"--neighbours={query}", "--count=3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert all("/green/" in line for line in lines[:3])
    assert lines[3:] == [f"wrote {tmp_path / 'near.png'}: the 3 nearest of 11 images"]
    assert str(query) not in "".join(lines)  # it lies in the folder, and is not its own neighbour
    cosines = [float(line.split()[0]) for line in lines[:3]]
    assert cosines == sorted(cosines, reverse=True) and cosines[0] == pytest.approx(1, abs=0.02)
    with Image.open(tmp_path / "near.png") as grid:
        pixels = np.asarray(grid)
    side, step, top = 160, 172, pixels.shape[0] - 12 - 2 * 15 - 160
    assert pixels.shape[1] == 4 * step + 12
    for k in range(4):
        cell = pixels[top : top + side, 12 + k * step : 12 + k * step + side]
        assert cell.mean(axis=(0, 1)).argmax() == 1 and cell[..., 0].mean() < 60
        assert (pixels[top - 2, 12 + k * step + 80] == 0).all() == (k == 0)  # the query alone has a frame


def test_unreadable_images_are_left_out_and_told(folder, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(3):
        Image.new("RGB", (20, 20)).save(pictures / f"{i}.png")
    (pictures / "broken.jpg").write_bytes(b"no picture")
    words = [f"--model={folder / 'small.tflite'}", f"--images={pictures}", f"--out={tmp_path / 'f.npz'}"]
    assert predict.run(["dogo-predict", *words]) == 2
    assert "1 of 4 images cannot be read" in capsys.readouterr().err and not (tmp_path / "f.npz").exists()
    assert predict.run(["dogo-predict", *words, "--max_bad_images=0.3"]) == 0
    assert "left out 1 of 4 images that cannot be read:\n" in capsys.readouterr().err
    assert len(np.load(tmp_path / "f.npz")["paths"]) == 3


MISTAKES = {
    "no model": (["--model="], "--model is needed"),
    "ending": (["--out=features.txt"], "--out: expected a name ending in .npz or .csv; got 'features.txt'"),
    "labels ending": (["--labels"], "--out: expected a name ending in .csv"),
    "picture ending": (["--neighbours=x.png"], "--out: expected a name ending in .png"),
    "both": (["--neighbours=x.png", "--labels"], "--labels and --neighbours exclude each other"),
    "no folder": (["--images={folder}/nothing"], "--images: expected a folder of images"),
    "no such pattern": (["--images={folder}/**/*.webp"], "nothing is at {folder}/**/*.webp"),
    "no such list": (["--images={folder}/nothing.csv"], "the list '{folder}/nothing.csv' does not exist"),
    "no images": (["--images={folder}/small_saved"], "no images here or below"),
    "no such model": (["--model=nothing.tflite"], "--model: nothing.tflite: cannot be read"),
    "folder as the model": (
        ["--model={folder}"],
        "--model: expected a .tflite file, {folder} is a folder; it has: headless.tflite, small.tflite",
    ),
    "foreign model": (["--model={folder}/pictures/red/0.png"], "LiteRT cannot load it"),
    "only the query": (
        ["--images={folder}/only", "--neighbours={folder}/only/0.png", "--out={new}/near.png"],
        "expected images besides --neighbours",
    ),
    "no query": (
        ["--neighbours=nothing.jpg", "--out={new}/near.png"],
        "--neighbours: nothing.jpg: cannot be read as an image",
    ),
    "count": (
        ["--neighbours=x.png", "--count=0", "--out={new}/near.png"],
        "--count: expected a whole number of at least 1, got 0",
    ),
    "no labels": (
        ["--model={folder}/headless.tflite", "--labels", "--out={new}/labels.csv"],
        "headless.tflite has none; export it with --head",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_gets_one_message_and_no_traceback(case, folder, tmp_path, capsys):
    words, message = MISTAKES[case]
    message = message.format(folder=folder)
    words = [word.format(folder=folder, new=tmp_path) for word in words]
    assert run(folder, tmp_path / "features.npz", *words) == 2
    shown = capsys.readouterr().err
    assert message in shown and "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_replaced_unless_asked(folder, tmp_path, capsys):
    out = tmp_path / "labels.csv"
    out.write_text("mine")
    assert run(folder, out, "--labels") == 2
    assert "exists already" in capsys.readouterr().err and out.read_text() == "mine"
    assert run(folder, out, "--labels", "--overwrite") == 0 and out.read_text() != "mine"


def test_hostile_names_reach_files_escaped_and_the_screen_harmless(folder, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    source = (folder / "pictures" / "red" / "0.png").read_bytes()
    for name in (b"caf\xe9.png", b"\x1b[2Jclear.png", b"=1+1.png"):
        (pictures / os.fsdecode(name)).write_bytes(source)
    (pictures / "\x1b[2Jbad.png").write_bytes(b"no picture")
    words = ["dogo-predict", f"--model={folder / 'small.tflite'}", f"--images={pictures}", "--max_bad_images=0.5"]
    assert predict.run([*words, f"--out={tmp_path / 'labels.csv'}", "--labels"]) == 0
    content = (tmp_path / "labels.csv").read_bytes()
    assert b"caf\xe9.png" in content and content.count(b"\n") == 4
    assert predict.run([*words, f"--out={tmp_path / 'out.npz'}"]) == 0
    query = folder / "pictures" / "red" / "0.png"
    assert predict.run([*words, f"--out={tmp_path / 'near.png'}", f"--neighbours={query}"]) == 0
    shown = "".join(capsys.readouterr())
    assert "\x1b" not in shown and r"\x1b[2Jclear.png" in shown and r"caf\xe9.png" in shown


def test_a_pipe_among_the_pictures_is_not_waited_for(folder, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "0.png").write_bytes((folder / "pictures" / "red" / "0.png").read_bytes())
    os.mkfifo(pictures / "pipe.png")
    words = ["dogo-predict", f"--model={folder / 'small.tflite'}", f"--images={pictures}", "--max_bad_images=0.5"]
    assert predict.run([*words, f"--out={tmp_path / 'out.npz'}"]) == 0
    assert "pipe.png: cannot be read as an image: it is no file" in capsys.readouterr().err
    with np.load(tmp_path / "out.npz") as found:
        assert found["paths"].tolist() == [str(pictures / "0.png")]


def test_a_picture_of_more_pixels_than_are_decoded_is_told(folder, tmp_path, capsys):
    declare_png(tmp_path / "bomb.png", 13_300)
    words = ["dogo-predict", f"--model={folder / 'small.tflite'}", f"--images={tmp_path}"]
    assert predict.run([*words, f"--out={tmp_path / 'out.npz'}"]) == 2
    assert "13300 x 13300 pixels, more than the 50 million of max_pixels" in capsys.readouterr().err


def test_pillow_opens_what_max_pixels_allows(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # it refuses what has more than twice as many
    assert run(folder, tmp_path / "all.npz", "--max_pixels=1000") == 0
    assert run(folder, tmp_path / "few.npz", "--max_pixels=620", "--max_bad_images=0.9") == 0  # 30 x 20 and 31 x 20
    with np.load(tmp_path / "few.npz") as found:
        assert len(found["paths"]) == 6
    assert "decompression bomb" in capsys.readouterr().err and Image.MAX_IMAGE_PIXELS == 100


def test_a_pipe_as_the_model_is_not_waited_for(folder, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.tflite")
    words = ["dogo-predict", f"--model={tmp_path / 'pipe.tflite'}", f"--images={folder / 'pictures'}"]
    assert predict.run([*words, f"--out={tmp_path / 'out.npz'}"]) == 2
    assert "pipe.tflite: cannot be read: it is no file" in capsys.readouterr().err


def test_the_largest_number_of_pixels_can_be_chosen(folder, tmp_path, capsys):
    assert run(folder, tmp_path / "few.npz", "--max_pixels=500") == 2  # 30 x 20 and more
    assert "30 x 20 pixels, more than the 0.0005 million of max_pixels" in capsys.readouterr().err
    assert run(folder, tmp_path / "all.npz", "--max_pixels=1e4") == 0


def test_paths_may_begin_with_the_home_folder(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    words = ["--model=~/small.tflite", "--images=~/pictures", "--neighbours=~/only/0.png", "--out=~/nearest/0.png"]
    assert predict.run(["dogo-predict", *words]) == 0
    assert (folder / "nearest" / "0.png").is_file() and list(tmp_path.iterdir()) == []
