"""Files behind URLs: whole or in ranges, tried again while a server fails, one clear error where that would not help."""

import fsspec
import pytest
from web_server import WebServer

from dogo_tf.errors import InputError, Interrupted
from dogo_tf.sources import http, remote
from dogo_tf.sources.remote import RemoteFile

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.001)
    (tmp_path / "a b.bin").write_bytes(CONTENT)
    found = WebServer(tmp_path)
    yield found
    found.close()
    if hasattr(http._session, "kept"):
        http._session.kept.close()


@pytest.fixture
def memory():
    system = fsspec.filesystem("memory")
    system.pipe("/bucket/deep/a.bin", CONTENT)
    yield RemoteFile("memory://bucket/deep/a.bin")
    system.rm("/bucket", recursive=True)


def file_of(server):
    return RemoteFile(f"{server.url}/a b.bin")


def check_reads(file):
    assert file.read() == CONTENT
    assert file.read_range(300, 50) == CONTENT[300:350]
    assert file.read_range(len(CONTENT) - 3, 50) == CONTENT[-3:] and file.read_range(7, 0) == b""
    size, version = file.stamp()
    assert size == len(CONTENT) and (size, version) == file.stamp()


def test_http_whole_and_in_ranges(server):
    check_reads(file_of(server))
    assert file_of(server).read_range(len(CONTENT) + 5, 50) == b""


def test_any_file_system_of_fsspec(memory):
    check_reads(memory)


@pytest.mark.parametrize("failure", [500, 503, 429, "cut", "hang up"])
def test_what_may_be_better_next_time_is_tried_again_and_told(server, failure, capsys):
    server.failures, server.failure = 3, failure
    assert file_of(server).read() == CONTENT and server.requests == 4
    told = capsys.readouterr().err.splitlines()
    assert [line.rpartition("; ")[2] for line in told] == [
        f"trying again in {0.001 * 2**k:g} s ({k + 1} of 6)" for k in range(3)
    ]
    assert all(line.startswith(f"{server.url}/a b.bin: ConnectionError: ") for line in told)


def test_a_server_that_always_fails_ends_the_work_as_an_interruption(server):
    server.failures = 100
    with pytest.raises(Interrupted, match="a b.bin: cannot be reached, tried 6 times .ConnectionError: HTTP 503"):
        file_of(server).read()
    assert server.requests == 6


@pytest.mark.parametrize("status", [401, 403])
def test_access_that_is_denied_is_one_clear_error(server, status):
    server.refused["a b.bin"] = status
    for action in (RemoteFile.read, RemoteFile.stamp):
        with pytest.raises(
            InputError, match=f"a b.bin: access is denied .PermissionError: HTTP {status} .*expected an addr"
        ):
            action(file_of(server))
    assert server.requests == 2


def test_what_is_not_there(server, memory):
    for gone in (RemoteFile(f"{server.url}/gone"), memory.parent / "gone"):
        with pytest.raises(FileNotFoundError):
            gone.read()
        with pytest.raises(FileNotFoundError):
            gone.stamp()


def test_what_a_server_will_never_answer(server):
    server.refused["a b.bin"] = 400
    with pytest.raises(InputError, match="its server refuses the request: HTTP 400"):
        file_of(server).read()


def test_a_server_without_ranges(server):
    server.with_ranges = False
    assert file_of(server).read() == CONTENT and file_of(server).stamp()[0] == len(CONTENT)
    with pytest.raises(InputError, match="its server gives whole files only; expected one that serves ranges"):
        file_of(server).read_range(0, 9)


def test_no_more_is_taken_than_expected(server, memory):
    for file in (file_of(server), memory):
        with pytest.raises(InputError, match="expected at most 1,000 bytes, got"):
            file.read(1000)
    with pytest.raises(InputError, match="expected at most 268,435,456 bytes at once, got 999,999,999"):
        memory.read_range(0, 999_999_999)


def test_a_change_changes_the_stamp(server, memory):
    before = file_of(server).stamp(), memory.stamp()
    (server.folder / "a b.bin").write_bytes(CONTENT[::-1])
    fsspec.filesystem("memory").pipe("/bucket/deep/a.bin", CONTENT[::-1])
    after = file_of(server).stamp(), memory.stamp()
    assert before[0] != after[0] and before[1] != after[1]


def test_a_folder_is_listed_in_order(memory):
    system = fsspec.filesystem("memory")
    for name in ("b/1.bin", "b.bin", "b/0.bin"):
        system.pipe(f"/bucket/{name}", b"12")
    names, stamps = remote.list_files(RemoteFile("memory://bucket"))
    assert names == ["b/0.bin", "b/1.bin", "b.bin", "deep/a.bin"] and stamps[0][0] == 2
    assert remote.is_folder(RemoteFile("memory://bucket/deep")) and not remote.is_folder(
        RemoteFile("memory://bucket/c")
    )


def test_a_web_server_has_no_folders(server):
    with pytest.raises(
        InputError, match="a web server does not say what lies in a folder; expected a list of the images"
    ):
        remote.list_files(RemoteFile(server.url))


def test_packages_and_kinds_that_are_missing(monkeypatch):
    with pytest.raises(
        InputError, match="nowhere://x/y: expected gs://, s3://, http.s.:// or another URL that fsspec knows"
    ):
        RemoteFile("nowhere://x/y").read()

    def missing(url):
        raise ImportError("Install gcsfs")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(InputError, match=r"a package is missing that reads gs://; pip install 'dogo-tf\[gcs\]'"):
        RemoteFile("gs://x/y").read()
    with pytest.raises(InputError, match=r"pip install 'dogo-tf\[s3\]'"):
        RemoteFile("s3://x/y").stamp()


@pytest.mark.parametrize(
    "error", [PermissionError("Access Denied"), type("NoCredentialsError", (Exception,), {})("none")]
)
def test_what_the_clouds_say_of_credentials(error):
    def refuse():
        raise error

    with pytest.raises(InputError, match="s3://x: access is denied"):
        remote.attempted("s3://x", refuse)


def test_what_is_a_url():
    assert remote.scheme("s3://a/b") == "s3" and remote.scheme("https://x") == "https"
    assert not any(map(remote.scheme, ("photos", "/a://b", "C:\\x", "a:/b", "://x", "s3://")))
