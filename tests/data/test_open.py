"""`data.open`: one data set by three roads."""

import os
import shutil

import numpy as np
import pytest
import small_dogo
from PIL import Image

import dogo_tf
from dogo_tf import data
from dogo_tf.data import choose
from dogo_tf.errors import InputError

SOURCES = ("memory", "cache", "stream")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two classes of pictures larger than the squares that are made of them."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("pictures")
    for label in ("cat", "dog"):
        (folder / label / "deeper").mkdir(parents=True)
        for k in range(9):
            place = folder / label / ("deeper" if k % 2 else "")
            Image.fromarray(rng.integers(0, 256, (12 + k, 14, 3), dtype=np.uint8)).save(place / f"{k}.png")
    return folder


@pytest.fixture
def opened(pictures, tmp_path):
    def of(source, folder=pictures, **options):
        return data.open(folder, image_size=8, source=source, cache_dir=tmp_path / "cache", **options)

    return of


def test_every_source_is_the_same_data(pictures, opened):
    expected = data.load(pictures, image_size=8)
    rows = np.array([17, 3, 3, 0], np.int64)
    for source in SOURCES:
        found = opened(source)
        assert found.source == source and len(found) == 18
        assert found[rows].dtype == np.uint8
        np.testing.assert_array_equal(found[rows], expected.images[rows])
        np.testing.assert_array_equal(found.labels, expected.labels)
        assert (found.class_names, found.files, found.name) == (("cat", "dog"), expected.files, expected.name)
        assert data.pixel_statistics(found.images) == data.pixel_statistics(expected.images)


def test_training_ends_in_the_same_bits_from_every_source(opened):
    model = small_dogo.model("simclr")
    first = [variable.numpy() for variable in model.variables]

    def trained(source):
        for variable, value in zip(model.variables, first, strict=True):
            variable.assign(value)
        model.fit(data.training_stream(opened(source), 6, seed=1), steps_per_epoch=3, epochs=2, verbose=0)
        return [variable.numpy() for variable in model.variables]

    memory, *others = (trained(source) for source in SOURCES)
    assert not all(np.array_equal(ours, before) for ours, before in zip(memory, first, strict=True))
    for other in others:
        for ours, theirs in zip(other, memory, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def damaged(pictures, tmp_path):
    folder = tmp_path / "damaged"
    for path in pictures.rglob("*.png"):
        target = folder / path.relative_to(pictures)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes() if path.name != "0.png" else b"")
    return folder


def test_bad_images_are_left_out_of_a_cache_and_replaced_in_a_stream(pictures, opened, tmp_path, capsys):
    folder = damaged(pictures, tmp_path)
    good, cached, stream = (opened(source, folder, max_bad_images=0.2) for source in SOURCES)
    np.testing.assert_array_equal(cached[:], good.images)
    assert cached.bad_files == good.bad_files and len(cached.bad_files) == 2
    assert capsys.readouterr().err.count(f"left out 2 of 18 images of {folder}") == 2
    assert len(stream) == 18 and stream.bad_files == ()
    np.testing.assert_array_equal(stream[0], stream[1])  # cat/2.png stands for cat/0.png
    assert f"{folder}/cat/0.png: empty file; the next image of its class stands for it" in capsys.readouterr().err


def test_no_image_of_a_stream_goes_under_the_label_of_another(opened, tmp_path):
    for label, grey in (("black", 0), ("white", 255)):
        (tmp_path / "st" / label).mkdir(parents=True)
        for k in range(5):
            Image.new("RGB", (8, 8), (grey,) * 3).save(tmp_path / "st" / label / f"{k}.png")
    clean = opened("stream", tmp_path / "st").images.digest
    (tmp_path / "st" / "black" / "4.png").write_bytes(b"")
    found = opened("stream", tmp_path / "st", max_bad_images=0.1)
    assert [
        (found.class_names[label], int(image.max())) for label, image in zip(found.labels, found[:], strict=True)
    ] == ([("black", 0)] * 5 + [("white", 255)] * 5)
    assert found.images.digest != clean


def test_the_digest_of_a_stream_tells_the_labels_by_which_bad_images_are_replaced(opened, tmp_path):
    for k in range(3):
        Image.new("RGB", (8, 8), (k,) * 3).save(tmp_path / f"{k}.png")
    (tmp_path / "0.png").write_bytes(b"")
    seen = {}
    for labels in ("abb", "aba", "aab"):
        (tmp_path / "list.csv").write_text("path,label\n" + "".join(f"{k}.png,{labels[k]}\n" for k in range(3)))
        found = opened("stream", tmp_path / "list.csv", max_bad_images=0.5)
        seen[labels] = found.images.digest, None if labels == "abb" else int(found[0].max())
    assert [level for _, level in seen.values()] == [None, 2, 1]
    assert len({digest for digest, _ in seen.values()}) == 3


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "tar"])
def test_names_that_are_no_utf_8(opened, tmp_path, packed, capsys):
    folder = tmp_path / "named"
    folder.mkdir()
    for number, name in enumerate((b"caf\xe9.png", b"\xff.png", b"z.png")):
        path = folder / os.fsdecode(name)
        Image.new("RGB", (8, 8), (number, number, number)).save(path)
    (folder / os.fsdecode(b"\xfe.png")).write_bytes(b"?")
    where = shutil.make_archive(str(tmp_path / "all"), "tar", folder) if packed else folder
    for source in SOURCES:
        found = opened(source, where, max_bad_images=0.5)
        levels = {os.path.basename(file): int(image.max()) for file, image in zip(found.files, found[:], strict=True)}
        assert levels[os.fsdecode(b"caf\xe9.png")] == 0 and levels[os.fsdecode(b"\xff.png")] == 1
    told = capsys.readouterr().err
    assert told.count(r"\xfe.png: not a JPEG, PNG, BMP, GIF, WebP or TIFF image") == 3


def test_too_many_bad_images(pictures, opened, tmp_path):
    folder = damaged(pictures, tmp_path)
    with pytest.raises(InputError, match="2 of 18 images cannot be read, more than max_bad_images=0.1 allows"):
        opened("cache", folder, max_bad_images=0.1)
    with pytest.raises(InputError, match="2 of 18 images cannot be read, more than max_bad_images=0.1 allows"):
        opened("stream", folder, max_bad_images=0.1)[:]


@pytest.mark.parametrize("memory, source", [(1e9, "memory"), (1000, "cache")])
def test_auto_says_what_it_took_and_why(opened, monkeypatch, capsys, memory, source):
    monkeypatch.setattr(choose, "available_memory", lambda: memory)
    assert opened("auto").source == source
    assert f"source={source}: the images take 3.5 KB, " in capsys.readouterr().err


def test_an_unknown_source(opened):
    with pytest.raises(InputError, match="unknown source 'disk'; known: auto, cache, memory, stream"):
        opened("disk")


def test_features_of_images_that_are_not_in_memory(opened):
    encoder = dogo_tf.encoders.build("wrn_10_1", 8)
    memory, *others = (dogo_tf.evaluate.embed(encoder, opened(source).images, batch_size=7) for source in SOURCES)
    for other in others:
        np.testing.assert_array_equal(other, memory)
