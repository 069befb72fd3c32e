"""Images in tar archives: which ones, their classes, random access, and archives that are not whole."""

import io
import os
import tarfile

import numpy as np
import pytest
from PIL import Image

from dogo_tf import data
from dogo_tf.data import tar_set
from dogo_tf.errors import InputError
from dogo_tf.sources import tar


def png(grey):
    content = io.BytesIO()
    Image.new("RGB", (8, 8), (grey,) * 3).save(content, "PNG")
    return content.getvalue()


def pack(path, files):
    """files: {name: content}."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def shards(tmp_path):
    """Three archives of two images each, as WebDataset writes them."""
    for k in range(3):
        files = {}
        for grey in (2 * k, 2 * k + 1):
            files |= {f"{grey:04}.png": png(grey), f"{grey:04}.cls": str(10 - grey).encode(), f"{grey:04}.json": b"{}"}
        pack(tmp_path / f"{k:05}.tar", files)
    return f"{tmp_path}/{{00000..00002}}.tar"


def opened(name, tmp_path, **options):
    return data.open(name, **{"image_size": 8, "cache_dir": tmp_path / "cache", **options})


def numbers(images):
    return images[:][:, 0, 0, 0].tolist()


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
def test_every_source_reads_shards_with_classes(shards, tmp_path, source):
    found = opened(shards, tmp_path, source=source)
    assert numbers(found) == [0, 1, 2, 3, 4, 5] and found[np.array([4, 1])][:, 0, 0, 0].tolist() == [4, 1]
    assert found.class_names == ("5", "6", "7", "8", "9", "10") and found.labels.tolist() == [5, 4, 3, 2, 1, 0]
    assert found.files[3] == f"{tmp_path}/00001.tar/0003.png" and found.name == f"{shards} train"


def test_a_folder_that_was_packed_has_its_folders_as_classes(tmp_path):
    files = {
        "./dog/a.b/1.png": png(1),
        "cat/2.png": png(2),
        "._3.png": b"",
        ".hidden/4.png": b"",
        "cat/notes.txt": b"x",
    }
    found = opened(pack(tmp_path / "photos.tar", files), tmp_path)
    assert numbers(found) == [1, 2] and found.class_names == ("cat", "dog") and found.labels.tolist() == [1, 0]


def test_an_archive_is_gone_through_once(shards, tmp_path, monkeypatch):
    before = opened(shards, tmp_path)
    scanned, scan = [], tar._scanned
    monkeypatch.setattr(tar, "_scanned", lambda archive: scanned.append(archive.name) or scan(archive))
    assert opened(shards, tmp_path).files == before.files and not scanned
    os.utime(tmp_path / "00001.tar", ns=(1, 1))
    next((tmp_path / "cache" / "tar").iterdir()).write_bytes(b"damaged")
    assert opened(shards, tmp_path).files == before.files
    assert "00001.tar" in scanned and len(scanned) <= 2


@pytest.fixture
def linked(tmp_path):
    """Eight images of two classes, one hard and three symbolic links to them; and an archive of it."""
    folder = tmp_path / "linked"
    for k in range(8):
        path = folder / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(k))
    os.link(folder / "a/2.png", folder / "b/hard.png")
    (folder / "a/0_soft.png").symlink_to("../b/1.png")  # which comes later
    (folder / "a/chain.png").symlink_to("0_soft.png")
    with tarfile.open(tmp_path / "linked.tar", "w") as archive:
        archive.add(folder, ".")
    return tmp_path


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
def test_links_are_followed_within_an_archive(linked, tmp_path, source, capsys):
    unpacked, packed = (opened(linked / name, tmp_path, source=source) for name in ("linked", "linked.tar"))
    assert len(unpacked) == len(packed) == 11

    def seen(images):
        names = ["/".join(name.split("/")[-2:]) for name in images.files]
        return sorted(zip(names, numbers(images), images.labels.tolist(), strict=True))

    assert seen(packed) == seen(unpacked)
    assert "not read" not in capsys.readouterr().err


def test_links_that_lead_out_of_an_archive_are_counted(linked, tmp_path, capsys):
    with tarfile.open(linked / "linked.tar", "a") as archive:
        for name, target in {
            "a/out.png": "../../linked/a/0.png",
            "a/absolute.png": f"{linked}/linked/a/0.png",
            "a/loop.png": "loop.png",
            "c": "a",  # a folder, whose images would be missing without a word
            "a/.hidden.png": "none",
        }.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    for _ in range(2):  # the second time from the kept index
        assert len(opened(linked / "linked.tar", tmp_path)) == 11
        told = f"not read: 4 (each neither a regular file nor a link to one in its archive), e.g. {linked}/linked.tar/a/out.png"
        assert told in capsys.readouterr().err


def test_of_files_of_one_name_the_last_counts(linked, tmp_path, capsys):
    with tarfile.open(linked / "linked.tar", "a") as archive:
        for name, content in {"a/2.png": png(200), "./a/4.png": png(201), "notes.txt": b"1"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    found = opened(linked / "linked.tar", tmp_path)
    levels = {os.path.basename(name): level for name, level in zip(found.files, numbers(found), strict=True)}
    assert len(found) == len(levels) == 11
    assert levels["2.png"] == 200 and levels["4.png"] == 201
    assert levels["hard.png"] == 2  # as tar unpacks it: the link was to the file of that time
    told = f"not read: 2 (each an image of which the archive holds a later one), e.g. {linked}/linked.tar/a/2.png"
    assert told in capsys.readouterr().err


def cut_in_a_file(content):
    return content[: 512 + 20]


def cut_in_a_header(content):
    return content[: 1024 + 100]


def cut_between_files(content):
    return content[:1024]


def damaged_header(content):
    return content[:1024] + b"?" * 512 + content[1536:]


@pytest.mark.parametrize("damage", [cut_in_a_file, cut_in_a_header, cut_between_files, damaged_header])
def test_an_archive_that_is_not_whole_is_named(shards, tmp_path, damage):
    path = tmp_path / "00001.tar"
    path.write_bytes(damage(path.read_bytes()))
    message = "cannot be read as an uncompressed|the archive is cut short or damaged at byte 1,024"
    with pytest.raises(InputError, match=f"{path}: ({message})"):
        opened(shards, tmp_path)


def test_an_archive_that_is_cut_while_it_is_used_gives_bad_images(tmp_path):
    for k in range(3):
        pack(tmp_path / f"{k:05}.tar", {f"{grey:04}.png": png(grey) for grey in (2 * k, 2 * k + 1)})
    shards = f"{tmp_path}/{{00000..00002}}.tar"
    found = opened(shards, tmp_path, source="stream", max_bad_images=0.5)
    path = tmp_path / "00001.tar"
    path.write_bytes(path.read_bytes()[:520])
    assert numbers(found) == [0, 1, 4, 4, 4, 5]
    assert set(found.images.bad.values()) == {"its archive is cut short"}


def test_ranges(tmp_path):
    names = [str(path) for path in tar_set.expanded("{8..10}/a{01..02}.tar")]
    assert names == [f"{k}/a{n}.tar" for k in (8, 9, 10) for n in ("01", "02")]
    with pytest.raises(InputError, match=r"from a smaller to a larger number, got \{3..1\}"):
        tar_set.expanded("{3..1}.tar")


def test_what_is_wrong_with_archives(shards, tmp_path):
    with pytest.raises(InputError, match="2 of 5 archives do not exist: .*00003.tar, .*00004.tar$"):
        opened(shards.replace("00002", "00004"), tmp_path)
    with pytest.raises(InputError, match="split: archives are all 'train' .*; got 'val'"):
        opened(shards, tmp_path, split="val")
    with pytest.raises(InputError, match="no images in the archives; looked for .jpg"):
        opened(pack(tmp_path / "texts.tar", {"a.txt": b"x"}), tmp_path)
    with pytest.raises(InputError, match="half.tar/b.png has no .cls file, but others have"):
        opened(pack(tmp_path / "half.tar", {"a.png": png(1), "a.cls": b"1", "b.png": png(2)}), tmp_path)
    (tmp_path / "packed.tar").write_bytes(b"\x1f\x8b" + bytes(1000))
    with pytest.raises(InputError, match="packed.tar: cannot be read as an uncompressed tar archive"):
        opened(tmp_path / "packed.tar", tmp_path)


@pytest.mark.parametrize("pattern", ["{00..99999999}.tar", "{0..999}{0..999}.tar", "{0..99999999999999999999}.tar"])
def test_a_pattern_of_endless_archives_is_refused_at_once(pattern):
    with pytest.raises(InputError, match="dataset: expected a pattern of at most 100,000 archives, got "):
        data.load(pattern)
