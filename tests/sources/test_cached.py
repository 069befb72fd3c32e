"""A cache on disk gives the pixels that memory gives, however often its building was interrupted or its files damaged."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
from PIL import Image

from dogo_tf import data
from dogo_tf.data import decode
from dogo_tf.data.listing import list_images
from dogo_tf.errors import InputError
from dogo_tf.sources import shards
from dogo_tf.sources.cached import missing_bytes, open_cache

SIDE, COUNT = 8, 23
SHARD_BYTES = 5 * 3 * SIDE * SIDE  # five rows a shard, three in the last


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(shards, "SHARD_BYTES", SHARD_BYTES)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for k in range(COUNT):
        Image.fromarray(rng.integers(0, 256, (9 + k, 12, 3), dtype=np.uint8)).save(pictures / f"{k:02}.png")
    return pictures


read_image = partial(decode.read_image, size=SIDE, max_pixels=1e6)


def opened(folder, read=read_image):
    files = list_images(folder).files
    name = files.digest()
    return open_cache(folder.parent / "cache" / name, files, SIDE, name, read)


def in_memory(folder):
    return data.load(folder, image_size=SIDE, max_bad_images=0.1).images


def counting(folder):
    """(cache, the files that were decoded to open it)."""
    decoded = []
    return opened(folder, lambda path: decoded.append(path) or read_image(path)), decoded


def refuse(path):
    raise AssertionError("decoded again")


def test_it_holds_what_memory_holds(folder):
    expected, cached = in_memory(folder), opened(folder)
    assert cached.shape == expected.shape and cached.dtype == expected.dtype
    np.testing.assert_array_equal(cached[:], expected)
    for rows in (3, slice(4, 20, 3), np.array([22, 0, 7, 7]), np.arange(COUNT) % 2 == 0):
        np.testing.assert_array_equal(cached[rows], expected[rows])


def test_its_statistics_are_those_of_memory_and_take_no_reading(folder, monkeypatch):
    (folder / "06.png").write_bytes(b"no picture")
    cached = opened(folder)
    monkeypatch.setattr(type(cached), "read", refuse)
    assert data.pixel_statistics(cached) == data.pixel_statistics(in_memory(folder))


def test_what_is_built_is_not_decoded_again(folder, capsys):
    before = opened(folder)[:]
    first = capsys.readouterr().err
    assert "building an image cache: 23 images of 8 x 8 pixels, 0.00 GB, in " in first
    np.testing.assert_array_equal(opened(folder, refuse)[:], before)
    assert not capsys.readouterr().err


def test_bad_files_have_no_row(folder):
    (folder / "06.png").write_bytes(b"no picture")
    cached = opened(folder)
    np.testing.assert_array_equal(cached[:], in_memory(folder))
    assert cached.bad == [(6, "not a JPEG, PNG, BMP, GIF, WebP or TIFF image")] and len(cached) == COUNT - 1
    assert opened(folder, refuse).bad == cached.bad


@pytest.mark.parametrize("change", ("touched", "replaced", "removed", "another side", "another decoder"))
def test_what_makes_another_cache(folder, change):
    def name(image_size=SIDE, max_pixels=1e6):
        return data.open(folder, image_size=image_size, source="stream", max_pixels=max_pixels).images.digest

    before, victim, options = name(), folder / "03.png", {}
    assert name() == before
    if change == "touched":
        os.utime(victim, ns=(1, 1))
    elif change == "replaced":
        times = victim.stat()
        victim.write_bytes(victim.read_bytes() + b"\0")
        os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
    elif change == "removed":
        victim.unlink()
    else:
        options = {"image_size": SIDE + 1} if change == "another side" else {"max_pixels": 2e6}
    assert name(**options) != before


class PowerCut(Exception):
    pass


def test_a_build_that_was_broken_off_goes_on(folder):
    decoded = []

    def until_the_lights_go_out(path):
        decoded.append(path)
        if len(decoded) > 12:
            raise PowerCut
        return read_image(path)

    with pytest.raises(PowerCut):
        opened(folder, until_the_lights_go_out)
    cached, again = counting(folder)
    assert 0 < len(again) <= COUNT - 5  # what was whole is kept
    np.testing.assert_array_equal(cached[:], in_memory(folder))


@pytest.mark.parametrize("damage", ("flipped", "cut", "gone", "note", "cut while in use", "gone while in use"))
def test_damaged_shards_are_built_again(folder, capsys, damage):
    before, expected = opened(folder), in_memory(folder)
    shard = before.folder / "00002.pixels"
    cached, again = (before, []) if damage.endswith("in use") else (None, None)
    content = bytearray(shard.read_bytes())
    if damage == "flipped":
        content[100] ^= 1
        shard.write_bytes(content)
    elif damage.startswith("cut"):
        shard.write_bytes(content[:-1])
    elif damage.startswith("gone"):
        shard.unlink()
    else:
        shard.with_suffix(".json").write_text('{"crc32": ')
    cached, again = (cached, again) if cached else counting(folder)
    np.testing.assert_array_equal(cached[:], expected)
    assert len(again) == (0 if damage.endswith("in use") else 5)
    np.testing.assert_array_equal(opened(folder, refuse)[:], expected)
    if damage == "flipped" or damage.endswith("in use"):
        assert f"{shard} is damaged; building it again" in capsys.readouterr().err


def test_a_damaged_shard_whose_files_changed_meanwhile_is_an_error(folder):
    cached = opened(folder)
    (cached.folder / "00000.pixels").write_bytes(b"?")
    Image.new("RGB", (9, 9)).save(folder / "01.png")
    with pytest.raises(
        InputError, match="01.png has changed since it was listed; start again when nothing else writes"
    ):
        cached[:3]


def test_a_folder_that_changes_while_the_cache_is_built(folder):
    def change_one(path):
        if path.name == "12.png":
            (folder / "10.png").write_bytes(b"")
        return read_image(path)

    with pytest.raises(InputError, match="10.png has changed since it was listed"):
        opened(folder, change_one)


def test_a_full_disk_is_said_before_the_work(folder, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(
        InputError, match="23 images of 8 x 8 pixels need 4,416 bytes in .*, but 1,000 are free; expected"
    ):
        opened(folder, refuse)


def test_a_disk_that_is_full_in_the_middle_of_the_work(folder, monkeypatch):
    begun = []

    def without_room(path):
        begun.append(path)
        if len(begun) < 3:
            return path.with_name(f".1_{path.name}")
        full = path.with_name(".2_full")
        full.symlink_to("/dev/full")
        return full

    with monkeypatch.context() as patched, pytest.raises(InputError) as raised:
        patched.setattr(shards, "temporary_sibling", without_room)
        opened(folder)
    (cache,) = (folder.parent / "cache").iterdir()
    assert str(raised.value) == f"cache_dir: cannot write the cache to {cache}: No space left on device"
    cached, again = counting(folder)
    assert len(again) == COUNT - 10  # two shards were whole
    np.testing.assert_array_equal(cached[:], in_memory(folder))


def test_a_folder_that_cannot_be_written_to(folder):
    (folder.parent / "cache").write_text("a file")
    with pytest.raises(InputError, match="cache_dir: cannot write the cache to"):
        opened(folder)


def test_what_is_missing(folder):
    files = list_images(folder).files
    cached = opened(folder)
    (cached.folder / "00004.json").unlink()
    assert missing_bytes(cached.folder, files, SIDE) == 3 * 3 * SIDE * SIDE
    assert missing_bytes(folder / "nowhere", files, SIDE) == COUNT * 3 * SIDE * SIDE


PROGRAM = f"""
import sys, json, time
from pathlib import Path
sys.path[:0] = [{os.path.dirname(__file__)!r}]
import test_cached as t
t.shards.SHARD_BYTES = t.SHARD_BYTES
decoded = []
def read(path):
    decoded.append(path)
    time.sleep(float(sys.argv[2]))
    return t.read_image(path)
cached = t.opened(Path(sys.argv[1]), read)
print(json.dumps([len(decoded), int(cached[:].sum())]))
"""


def builder(folder, seconds_an_image):
    command = [sys.executable, "-c", PROGRAM, str(folder), str(seconds_an_image)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_two_processes_build_it_together(folder):
    processes = [builder(folder, 0.02) for _ in range(2)]
    answers = [json.loads(process.communicate()[0]) for process in processes]
    assert sum(count for count, _ in answers) == COUNT  # no file was decoded twice
    assert {total for _, total in answers} == {int(in_memory(folder).sum())}


def test_a_build_that_was_killed_goes_on(folder):
    with builder(folder, 0.05) as process:
        while not (notes := list(folder.parent.glob("cache/*/*.json"))) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL and notes
    cached, again = counting(folder)
    assert 0 < len(again) <= COUNT - 5
    np.testing.assert_array_equal(cached[:], in_memory(folder))
    assert not list(cached.folder.glob(".[0-9]*_*")), "what the killed process had begun"
