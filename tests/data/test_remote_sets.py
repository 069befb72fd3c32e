"""Folders, lists and archives behind URLs are the same data as on the disk."""

import shutil
import tarfile
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image
from web_server import WebServer

from dogo_tf import data
from dogo_tf.data import decode
from dogo_tf.errors import InputError
from dogo_tf.sources import http, kept_index, remote


@pytest.fixture
def photos(tmp_path):
    """Eight pictures of two classes, a list of them, and an archive of each class."""
    rng = np.random.default_rng(0)
    for k in range(8):
        path = tmp_path / "web" / "photos" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 14, 3), dtype=np.uint8)).save(path)
    web = tmp_path / "web"
    lines = [f"photos/{'ab'[k % 2]}/{k}.png,{'xyz'[k % 3]}" for k in (3, 0, 5, 4)]
    (web / "list.csv").write_text("path,label\n" + "\n".join(lines))
    for k, name in enumerate("ab"):
        shutil.make_archive(web / str(k), "tar", web / "photos", name)
    return web


@pytest.fixture
def server(photos, monkeypatch):
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.001)
    found = WebServer(photos)
    yield found
    found.close()
    if hasattr(http._session, "kept"):
        http._session.kept.close()


@pytest.fixture
def bucket(photos):
    system = fsspec.filesystem("memory")
    for path in filter(Path.is_file, photos.rglob("*")):
        system.pipe(f"/bucket/{path.relative_to(photos)}", path.read_bytes())
    yield "memory://bucket"
    system.rm("/bucket", recursive=True)


def opened(where, tmp_path, source="stream", **options):
    return data.open(where, **{"image_size": 8, "source": source, "cache_dir": tmp_path / "cache", **options})


def same(found, expected, at):
    np.testing.assert_array_equal(found[:], expected[:])
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.class_names == expected.class_names
    assert [name.removeprefix(f"{at[0]}/") for name in found.files] == [
        name.removeprefix(f"{at[1]}/") for name in expected.files
    ]


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
@pytest.mark.parametrize("what", ["list.csv", "{0..1}.tar"])
def test_lists_and_archives_over_http(server, photos, tmp_path, source, what):
    found = opened(f"{server.url}/{what}", tmp_path, source)
    same(found, opened(photos / what, tmp_path), (server.url, photos))
    assert found.source == source


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
@pytest.mark.parametrize("what", ["photos", "list.csv", "{0..1}.tar"])
def test_everything_in_a_bucket(bucket, photos, tmp_path, source, what):
    same(opened(f"{bucket}/{what}", tmp_path, source), opened(photos / what, tmp_path), (bucket, photos))


def test_what_fails_for_a_while_is_the_same_in_the_end(server, photos, tmp_path):
    server.failures = 3
    same(opened(f"{server.url}/list.csv", tmp_path), opened(photos / "list.csv", tmp_path), (server.url, photos))


def test_a_local_list_of_urls_and_files(server, photos, tmp_path):
    (photos / "mixed.csv").write_text(f"path\n{server.url}/photos/a/0.png\nphotos/b/1.png\n{server.url}/gone.png\n")
    found = opened(photos / "mixed.csv", tmp_path, max_bad_images=0.5)
    expected = opened(photos / "photos", tmp_path)
    np.testing.assert_array_equal(found[:2], expected[np.array([0, 4])])
    np.testing.assert_array_equal(found[2], found[0])  # the next one in order stands for what is not there
    assert found.images.bad == {2: "not there"}


@pytest.mark.parametrize("kind", ["server", "bucket"])
def test_a_list_names_what_lies_in_archives(server, bucket, photos, tmp_path, kind):
    where = server.url if kind == "server" else bucket
    whole = opened(photos / "{0..1}.tar", tmp_path)
    names = [name.replace(str(photos), where) for name in whole.files]
    (photos / "members.csv").write_text("path\n" + "\n".join(names))
    found = opened(photos / "members.csv", tmp_path)
    assert list(found.files) == names
    np.testing.assert_array_equal(found[:], whole[:])
    before = server.requests
    assert opened(photos / "members.csv", tmp_path).images.digest == found.images.digest
    # Whether each archive is still the same, not each file in it; besides a picture's size.
    assert server.requests - before <= 2 + len(names)


def test_only_what_is_asked_for_is_read(server, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "SAMPLE", 1)  # pictures whose size a stream wants to know
    found = opened(f"{server.url}/{{0..1}}.tar", tmp_path)
    before = dict(server.bytes)
    found[2]
    size = (photos / "photos/a/4.png").stat().st_size
    assert server.bytes["0.tar"] - before["0.tar"] == size and server.bytes["1.tar"] == before["1.tar"]


def test_it_is_indexed_once(server, tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "SAMPLE", 1)
    first = opened(f"{server.url}/{{0..1}}.tar", tmp_path)
    before = server.requests
    again = opened(f"{server.url}/{{0..1}}.tar", tmp_path)
    assert again.images.digest == first.images.digest
    assert server.requests - before == 2 + 1  # whether the archives are still the same, and how large a picture is


def test_a_change_is_noticed(server, photos, bucket, tmp_path, capsys):
    for where in (f"{server.url}/list.csv", f"{bucket}/photos"):
        opened(where, tmp_path)
    (photos / "list.csv").write_text("path\nphotos/a/0.png\n")
    fsspec.filesystem("memory").pipe("/bucket/photos/a/0.png", b"another")
    assert len(opened(f"{server.url}/list.csv", tmp_path)) == 1
    opened(f"{bucket}/photos", tmp_path)
    said = capsys.readouterr().err
    assert f"{server.url}/list.csv: 1 of 1 files and folders listed have changed" in said
    assert (
        f"{bucket}/photos: 1 of 8 images looked at have changed, e.g. {bucket}/photos/a/0.png; listing it again" in said
    )
    assert kept_index.REMOTE_SAMPLE >= 8


def test_splits_of_a_folder(bucket, tmp_path):
    assert len(opened(f"{bucket}/photos", tmp_path, split="a")) == 4
    with pytest.raises(InputError, match="split: the folder memory://bucket/photos has no sub-folder 'val'"):
        opened(f"{bucket}/photos", tmp_path, split="val")


@pytest.mark.parametrize(
    "name, message",
    [
        (
            "file:///etc/passwd",
            "image 2: expected a path below the list's folder, or a URL with http:// or https://; got file",
        ),
        ("s3://bucket/a.png", "image 2: expected a path below the list's folder, or a URL with http://"),
        ("/etc/passwd", "image 2: expected a path below the list's folder"),
        ("../a.png", "image 2: expected a path below the list's folder"),
    ],
)
def test_a_list_from_elsewhere_leads_nowhere_else(server, photos, tmp_path, name, message):
    (photos / "odd.csv").write_text(f"path\nphotos/a/0.png\n{name}\n")
    with pytest.raises(InputError, match=f"odd.csv: {message}"):
        opened(f"{server.url}/odd.csv", tmp_path)


@pytest.mark.parametrize(
    "where, message",
    [
        ("{server}/photos", "photos: a web server does not say what lies in a folder; expected a list of the images"),
        ("{server}/gone.csv", "the list '.*gone.csv' does not exist"),
        ("{server}/gone.tar", "1 of 1 archives do not exist: .*gone.tar"),
        ("{server}/secret.csv", "secret.csv: access is denied .PermissionError: HTTP 403"),
        ("{server}/list.tar", "list.tar: cannot be read as an uncompressed tar archive"),
        ("{bucket}/gone", "gone: no images here or below|the folder 'memory://bucket/gone' does not exist"),
    ],
)
def test_what_is_wrong_is_said(server, photos, bucket, tmp_path, where, message):
    (photos / "list.tar").write_bytes((photos / "list.csv").read_bytes() * 20)
    server.refused["secret.csv"] = 403
    with pytest.raises(InputError, match=message):
        opened(where.format(server=server.url, bucket=bucket), tmp_path)


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
def test_denied_access_is_no_bad_image(server, tmp_path, source):
    server.refused["photos/b/5.png"] = 403
    with pytest.raises(InputError, match="photos/b/5.png: access is denied"):
        opened(f"{server.url}/list.csv", tmp_path, source, max_bad_images=1.0)[:]


def test_an_archive_that_was_cut_short(server, photos, tmp_path):
    path = photos / "0.tar"
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(InputError, match="0.tar: (cannot be read as|the archive is cut short)"):
        opened(f"{server.url}/{{0..1}}.tar", tmp_path)


def test_a_header_of_gigabytes_is_not_read(server, photos, tmp_path):
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 2**33
    (photos / "0.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    with pytest.raises(
        InputError, match="0.tar: cannot be read as an uncompressed tar archive: a header of 8589934592 bytes"
    ):
        opened(f"{server.url}/0.tar", tmp_path)
