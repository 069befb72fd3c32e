"""The index of a large set is listed once, kept, looked at on every start, and made again when something has changed."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dogo_tf import data
from dogo_tf.data import file_set
from dogo_tf.sources import decoded, files, kept_index


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    monkeypatch.setattr(file_set, "KEPT_FROM", 1)


@pytest.fixture
def photos(tmp_path):
    """Six images of two classes; their number is their grey level."""
    for k in range(6):
        path = tmp_path / "photos" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (k, k, k)).save(path)
    (tmp_path / "photos" / "notes.txt").write_text("?")
    lines = [f"photos/{'ab'[k % 2]}/{k}.png,{'xyz'[k % 3]}" for k in (3, 0, 5, 4)]
    (tmp_path / "list.csv").write_text("path,label\n" + "\n".join(lines))
    return tmp_path


KINDS = {"folder": "photos", "list": "list.csv", "archives": "{0..1}.tar"}


@pytest.fixture(params=KINDS)
def kind(request, photos):
    if request.param == "archives":
        for k, name in enumerate("ab"):
            shutil.make_archive(photos / str(k), "tar", photos / "photos", name)
    return request.param


def opened(photos, kind="folder", **options):
    return data.open(photos / KINDS[kind], image_size=8, cache_dir=photos / "cache", source="stream", **options)


def facts(images):
    return images[:][:, 0, 0, 0].tolist(), images.labels.tolist(), images.class_names, list(images.files), images.name


def refuse(*_):
    raise AssertionError("listed again")


def test_it_is_listed_once(photos, kind, monkeypatch):
    before = opened(photos, kind)
    for name in ("folder.read_folder", "list_file.read_list", "tar_set.read_archives"):
        monkeypatch.setattr(f"dogo_tf.data.{name}", refuse)
    again = opened(photos, kind)
    assert facts(again) == facts(before) and again.images.digest == before.images.digest
    assert again.files == before.files == tuple(before.files)


def test_small_sets_leave_nothing_behind(photos, kind, monkeypatch):
    monkeypatch.setattr(file_set, "KEPT_FROM", 10)
    opened(photos, kind)
    assert not (photos / "cache" / "index").exists()


def test_what_is_left_out_is_told_every_time(photos, capsys):
    for _ in range(2):
        opened(photos)
        assert "not read, as they are no JPEG, PNG, BMP, GIF, WebP or TIFF images: 1 .txt" in capsys.readouterr().err


def test_a_relative_path_is_found_from_elsewhere(photos, monkeypatch):
    monkeypatch.chdir(photos)
    first = data.open("photos", image_size=8, cache_dir="cache", source="stream")
    pixels = first[:]
    monkeypatch.chdir(photos / "photos")
    again = data.open("../photos", image_size=8, cache_dir="../cache", source="stream")
    assert first.files[0] == "photos/a/0.png" and again.files[0] == "../photos/a/0.png"
    assert len(list((photos / "cache" / "index").iterdir())) == 1
    np.testing.assert_array_equal(pixels, again[:])


def add(photos):
    shutil.copy(photos / "photos/a/0.png", photos / "photos/b/9.png")


def remove(photos):
    (photos / "photos/a/2.png").unlink()


def replace(photos):
    Image.new("RGB", (9, 9), (77, 77, 77)).save(photos / "photos/a/0.png")


def add_a_folder(photos):
    (photos / "photos/c").mkdir()
    shutil.copy(photos / "photos/a/0.png", photos / "photos/c/0.png")


def rewrite_the_list(photos):
    (photos / "list.csv").write_text("path,label\nphotos/a/0.png,k\n")


def append_to_an_archive(photos):
    shutil.make_archive(photos / "1", "tar", photos / "photos")


CHANGES = {
    add: ("folder", "1 of 3 files and folders listed have changed, e.g. .*/photos/b;"),
    remove: (
        "folder",
        "1 of 3 files and folders listed have changed, e.g. .*/photos/a; 1 of 6 images looked at .*/2.png;",
    ),
    replace: ("folder", "1 of 6 images looked at have changed, e.g. .*/photos/a/0.png;"),
    add_a_folder: ("folder", "1 of 3 files and folders listed have changed, e.g. .*/photos;"),
    rewrite_the_list: ("list", "1 of 1 files and folders listed have changed, e.g. .*/list.csv;"),
    append_to_an_archive: ("archives", "1 of 2 files and folders listed have changed, e.g. .*/1.tar;"),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_what_has_changed_is_said_and_listed_again(photos, change, capsys):
    kind, message = CHANGES[change]
    if kind == "archives":
        for k, name in enumerate("ab"):
            shutil.make_archive(photos / str(k), "tar", photos / "photos", name)
    before = opened(photos, kind)
    for path in (photos / "photos").rglob("*"):  # a clock of coarse ticks may give the change the time of the listing
        os.utime(path, ns=(1, 1))
    before = opened(photos, kind)
    facts_before = facts(before)
    capsys.readouterr()
    change(photos)
    after = opened(photos, kind)
    said = capsys.readouterr().err
    assert re.search(f"{message}.*listing it again", said), said
    assert facts(after) != facts_before and after.images.digest != before.images.digest
    opened(photos, kind)
    assert "listing it again" not in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "no archive"])
def test_a_damaged_index_is_made_again(photos, kind, damage):
    before = opened(photos, kind)
    (path,) = (photos / "cache" / "index").iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[content.index(b".png") + 1] ^= 1  # in the names
    path.write_bytes({"cut": content[:-30], "flipped": content, "empty": b"", "no archive": b"?" * 100}[damage])
    assert facts(opened(photos, kind)) == facts(before)
    assert kept_index.read_index(path, [photos], [photos]) is not None


def test_of_a_large_set_a_sample_is_looked_at(photos, monkeypatch):
    opened(photos)
    monkeypatch.setattr(kept_index, "SAMPLE", 2)  # the first and the last
    looked, stamps = [], files.stamps
    monkeypatch.setattr(files, "stamps", lambda paths: looked.extend(map(os.path.basename, paths)) or stamps(paths))
    opened(photos)
    assert [name for name in looked if name.endswith(".png")] == ["0.png", "5.png"]


PROGRAM = """
import os, sys, time
from pathlib import Path
from dogo_tf import data
from dogo_tf.data import file_set

photos, name = Path(sys.argv[1]), sys.argv[2]
file_set.KEPT_FROM = 1
os.getpid = lambda: 1  # as in containers that share a folder
replace = Path.replace

def when_both_have_written(path, target):
    (photos / name).touch()
    while not ((photos / "first").exists() and (photos / "second").exists()):
        time.sleep(0.01)
    return replace(path, target)

Path.replace = when_both_have_written
found = data.listed(str(photos / "photos"), "train", photos / "cache").files(photos / "cache")
print(found.files.digest(), found.labels.tolist())
"""


def test_two_processes_build_it_at_once(photos):
    started = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, photos, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for name in ("first", "second")
    ]
    told = [process.communicate(timeout=120) for process in started]
    (index,) = (photos / "cache" / "index").iterdir()
    kept = data.listed(str(photos / "photos"), "train", photos / "cache").kept(photos / "cache")
    expected = f"{kept.files.digest()} {kept.labels.tolist()}\n".encode()
    assert [found for found, _ in told] == [expected] * 2 and index.suffix == ".npz"
    assert not any(b"cannot keep" in errors for _, errors in told)


def test_a_cache_dir_that_cannot_be_written_to_is_said(photos, capsys):
    (photos / "cache").write_text("a file")
    assert len(opened(photos)) == 6
    assert f"cache_dir: cannot keep the index of {photos}/photos in {photos}/cache: " in capsys.readouterr().err


def test_statistics_of_a_large_stream_are_taken_once(photos, monkeypatch):
    monkeypatch.setattr(decoded, "SAMPLE", 4)
    first = data.pixel_statistics(opened(photos).images)
    monkeypatch.setattr(decoded.DecodedImages, "read", refuse)
    assert data.pixel_statistics(opened(photos).images) == first
    (kept,) = (photos / "cache" / "statistics").iterdir()
    kept.write_text("[[1], [2], 3]")
    with pytest.raises(AssertionError, match="listed again"):
        data.pixel_statistics(opened(photos).images)
