"""dogo-explore from the command line to the page."""

import base64
import json
import re
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dogo_tf.encoders import build
from dogo_tf.experiments import explore, select_images, suspects
from dogo_tf.platform.keras_compat import keras
from dogo_tf.runs.folder import RunFolder

FLAT = 24  # pictures of no class


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """photos/: of two classes; flat/: the same without."""
    path, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for k in range(FLAT):
        pixels = np.clip(rng.normal(((200, 40, 40), (40, 40, 200))[k % 2], 20, (12, 10, 3)), 0, 255).astype(np.uint8)
        for folder in (path / "photos" / ("red", "blue")[k % 2], path / "flat"):
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{k:02}.png")
    return path


@pytest.fixture(scope="module")
def run_dir(pictures, tmp_path_factory):
    """A run folder as dogo-pretrain leaves it, with two peers."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "pair")
    config = {
        "settings": {"dataset": str(pictures / "photos"), "data_dir": None},
        "data": {"image_size": 8},
        "peers": [{"name": "small"}, {"name": "big"}],
        "provenance": {},
    }
    folder.start(config, resume=False, overwrite=False)
    keras.utils.set_random_seed(0)
    folder.save_encoders([SimpleNamespace(encoders={name: build("small_conv", 8) for name in ("small", "big")})])
    return folder.path


def command(run_dir, *more):
    return ["dogo-explore", f"--run_dir={run_dir}", "--peer=small", "--map=pca", *more]


def blocks(page):
    """The data of a page by name, as JSON or numbers; every checksum is compared."""
    types = {"places": "<u2", "rows": "<u4", "labels": "<i4", "neighbours": "<u4"}
    found = {}
    for name, crc, text in re.findall(r'id="data-([\w-]+)" data-crc="(\d+)">([^<]*)<', page.read_text()):
        content = base64.b64decode(text)
        assert zlib.crc32(content) == int(crc), name
        found[name] = json.loads(content) if name == "about" else np.frombuffer(content, types.get(name, "u1"))
    return found


def test_a_page_of_a_labelled_folder_with_both_peers(run_dir, capsys):
    assert explore.run(command(run_dir, "--other_peer=big")) == 0
    page = run_dir / "explore" / "small.html"
    assert f"wrote {page}: 24 images, 0." in capsys.readouterr().out
    found = blocks(page)
    about = found["about"]
    files = [about["folder"] + file for file in about["files"]]
    assert about["classes"] == ["blue", "red"] and about["encoder"] == "small" and about["side"] == 32
    assert [about["classes"][label] for label in found["labels"]] == [file.split("/")[-2] for file in files]
    assert sorted(found["rows"]) == list(range(24)) and about["levels"][-1] == 24
    assert len(found["suspicion"]) == len(found["disagreement"]) == len(found["clusters"]) == 24
    near = found["neighbours"].reshape(24, about["neighbours"])
    assert all(k not in row and len(set(row)) == 12 for k, row in enumerate(near))
    assert [name for name in found if name.startswith("sheet")] == ["sheet-0"]


def test_lists_of_the_other_commands_and_labels_given_before(run_dir, pictures, tmp_path, capsys):
    flat = f"--dataset={pictures}/flat"
    words = [f"--run_dir={run_dir}", "--peer=small", "--budget=3", flat, f"--out={tmp_path}/round"]
    assert select_images.run(["dogo-select", *words]) == 0
    (tmp_path / "labels.csv").write_text(f"path,label\n{pictures}/flat/05.png,blue\n{pictures}/flat/06.png,red\n")
    flags = [f"--lists={tmp_path}/round/select.csv", f"--labelled={tmp_path}/labels.csv", "--max_images=8"]
    assert explore.run(command(run_dir, flat, *flags, f"--out={tmp_path}/a/page.html")) == 0
    assert "8 images, a sample of 24, " in capsys.readouterr().out
    found = blocks(tmp_path / "a" / "page.html")
    (listed,) = found["about"]["lists"]
    chosen = (tmp_path / "round" / "select.csv").read_text().splitlines()[1:]
    files = [found["about"]["folder"] + found["about"]["files"][image] for image in listed["images"]]
    assert files == [line.split(",")[0] for line in chosen] and all(listed["notes"])
    about = found["about"]
    given = {about["folder"] + about["files"][k]: label for k, label in enumerate(found["labels"]) if label >= 0}
    named = {file.split("/")[-1]: about["classes"][label] for file, label in given.items()}
    assert named == {"05.png": "blue", "06.png": "red"}
    assert "suspicion" not in found
    again = tmp_path / "again.html"
    assert explore.run(command(run_dir, flat, *flags, f"--out={again}")) == 0
    assert again.read_bytes() == (tmp_path / "a" / "page.html").read_bytes()


def test_labels_of_images_that_are_elsewhere_are_counted(run_dir, pictures, tmp_path, capsys):
    flat, labels = f"--dataset={pictures}/flat", tmp_path / "labels.csv"
    labels.write_text(f"path,label\n{pictures}/flat/05.png,blue\n{pictures}/photos/blue/01.png,blue\n")
    assert explore.run(command(run_dir, flat, f"--labelled={labels}", f"--out={tmp_path}/page.html")) == 0
    assert f"--labelled: 1 of their 2 labelled images are not in {pictures}/flat train" in capsys.readouterr().out
    labels.write_text(f"path,label\n{pictures}/photos/blue/01.png,blue\n")
    assert explore.run(command(run_dir, flat, f"--labelled={labels}", f"--out={tmp_path}/none.html")) == 2
    shown = capsys.readouterr().err
    assert "1 of their 1 labelled images are not in" in shown and f"it has e.g. {pictures}/flat/00.png" in shown


def test_suspects_are_gone_through_with_what_they_suggest(run_dir, pictures, tmp_path):
    assert suspects.run(["dogo-suspects", f"--run_dir={run_dir}", "--peer=small", "--k=5", f"--out={tmp_path}"]) == 0
    lines = (tmp_path / "suspects.csv").read_text().splitlines()
    if len(lines) == 1:  # none is suspicious here: say one is
        lines.append(f"0,{pictures}/photos/blue/01.png,blue,red,0.5,0.2,0.7")
        (tmp_path / "suspects.csv").write_text("\n".join(lines) + "\n")
    assert explore.run(command(run_dir, f"--lists={tmp_path}/suspects.csv", f"--out={tmp_path}/page.html")) == 0
    (listed,) = blocks(tmp_path / "page.html")["about"]["lists"]
    assert len(listed["images"]) == len(lines) - 1 and set(listed["suggested"]) <= {"red", "blue"}


def test_hostile_names_stay_names(run_dir, pictures, tmp_path):
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.symlink_to(pictures / "flat")
    assert explore.run(command(run_dir, f"--dataset={folder}", f"--out={tmp_path}/page.html")) == 0
    text = (tmp_path / "page.html").read_text()
    assert "<img" not in text and "&lt;img src=x onerror=alert(1)&gt;" in text


MISTAKES = {
    "encoder": (["--encoder=x.keras"], "expected --run_dir (and --peer) or --encoder, one of them"),
    "map": (["--map=som"], "unknown map 'som'; known: pca, tsne, umap"),
    "other peer": (["--other_peer=huge"], "no encoder of a peer 'huge'; it has: small, big"),
    "out": (["--out={pictures}/flat"], "--out: expected the name of a page, e.g. {pictures}/flat/page.html"),
    "out below a file": (["--out={pictures}/flat/00.png/x.html"], "--out: cannot write to"),
    "list": (["--lists={pictures}/none.csv"], "--lists: the list '{pictures}/none.csv' does not exist"),
    "gone": (
        ["--lists={pictures}/gone.csv"],
        "--lists: {pictures}/gone.csv: none of its 1 images is in {pictures}/photos train:\n  photos/77.png",
    ),
    "no labels": (
        ["--labelled={pictures}/gone.csv"],
        "--labelled: {pictures}/gone.csv: no image in this list has a label",
    ),
    "room": (
        ["--lists={pictures}/some.csv", "--max_images=1"],
        "max_images: expected at least 2, the images that have",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_gets_one_message_and_no_traceback(case, run_dir, pictures, tmp_path, capsys):
    (pictures / "gone.csv").write_text("path\nphotos/77.png\n")
    (pictures / "some.csv").write_text("path\nphotos/red/00.png\nphotos/red/02.png\n")
    words, message = MISTAKES[case]
    flags = [f"--out={tmp_path}/page.html", *(word.format(pictures=pictures) for word in words)]
    assert explore.run(command(run_dir, *flags)) == 2
    shown = capsys.readouterr().err
    assert message.format(pictures=pictures) in shown and "Traceback" not in shown
    assert not any(tmp_path.iterdir())
