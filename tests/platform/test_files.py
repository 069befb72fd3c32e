import contextlib
import os
import shutil
import subprocess
import sys

import pytest

from dogo_tf.errors import InputError
from dogo_tf.platform.files import (
    expanded,
    folder_atomically,
    is_temporary,
    reason,
    sha256,
    sole_owner,
    temporary_sibling,
)


def test_a_folder_has_one_owner_at_a_time(tmp_path):
    folder = tmp_path / "run"
    with sole_owner(folder):
        (folder / "result").touch()
        with pytest.raises(InputError, match=r"run is in use by process \d+ on .*; wait for it"), sole_owner(folder):
            pass
    with sole_owner(folder):
        pass


def test_a_folder_is_free_again_when_its_owner_is_killed(tmp_path):
    program = "import os, sys; from pathlib import Path; from dogo_tf.platform.files import sole_owner\n"
    program += "with sole_owner(Path(sys.argv[1])): print('mine', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout.readline() == "mine\n"
        with pytest.raises(InputError, match=f"in use by process {owner.pid} on"), sole_owner(tmp_path):
            pass
        owner.kill()
    with sole_owner(tmp_path):
        pass


def test_a_folder_that_stays_empty_is_removed_again(tmp_path):
    with pytest.raises(ValueError), sole_owner(tmp_path / "run"):
        raise ValueError
    assert not list(tmp_path.iterdir())


def test_what_went_wrong_in_a_folder_that_was_removed_meanwhile_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot write the encoders"), sole_owner(tmp_path / "run"):
        shutil.rmtree(tmp_path / "run")
        raise InputError("run_dir: cannot write the encoders")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    message = "run_dir: cannot write to .*file/run: Not a directory"
    with pytest.raises(InputError, match=message), sole_owner(tmp_path / "file" / "run"):
        pass


def test_what_a_killed_process_leaves_is_recognised(tmp_path):
    assert is_temporary(temporary_sibling(tmp_path / "a.keras"))
    assert not is_temporary(tmp_path / "a.keras") and not is_temporary(tmp_path / ".lock")


def test_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_reasons_are_without_names_of_operations():
    full = "{{function_node __wrapped__MergeV2Checkpoints_device_/job:localhost}} /x/state: No space left on device [Op:Merge]"
    assert reason(ValueError(full)) == reason(OSError(28, "No space left on device")) == "No space left on device"
    damaged = "{{function_node __wrapped__RestoreV2}} Data loss: state.index [Op:RestoreV2]\nmore"
    assert reason(ValueError(damaged)) == "Data loss: state.index" and reason(KeyError()) == "KeyError"


def leave(tmp_path, process, kind, name="export"):
    path = tmp_path / f".{process}_{kind}_{name}"
    path.mkdir()
    (path / "what").write_text(kind)
    return path


@pytest.fixture(scope="module")
def ended():
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_an_ended_process_left_beside_a_folder_goes_with_the_next_one(tmp_path, ended):
    rubbish = [leave(tmp_path, ended, "new"), leave(tmp_path, os.getpid(), "new"), leave(tmp_path, 2**70, "new")]
    kept = [leave(tmp_path, os.getppid(), "new"), leave(tmp_path, ended, "new", "other"), leave(tmp_path, "x", "new")]
    with folder_atomically(tmp_path / "export") as stage:
        (stage / "model").touch()
    assert not any(path.exists() for path in rubbish) and all(path.exists() for path in kept)
    assert [path.name for path in (tmp_path / "export").iterdir()] == ["model"]


@pytest.mark.parametrize("fails", [True, False])
def test_a_folder_that_an_ended_process_had_moved_away_is_put_back(tmp_path, ended, fails):
    leave(tmp_path, ended, "old")
    with contextlib.suppress(ZeroDivisionError), folder_atomically(tmp_path / "export") as stage:
        (stage / "what").write_text("later")
        1 / (0 if fails else 1)
    assert (tmp_path / "export" / "what").read_text() == ("old" if fails else "later")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_an_old_folder_goes_once_the_new_one_is_in_its_place(tmp_path, ended):
    leave(tmp_path, ended, "old")
    (tmp_path / "export").mkdir()
    with pytest.raises(ZeroDivisionError), folder_atomically(tmp_path / "export"):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


@pytest.mark.parametrize("given", [".", "../export", ""])
def test_the_current_folder_is_filled_and_stays_the_one_that_the_shell_stands_in(tmp_path, monkeypatch, given):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "old").touch()
    monkeypatch.chdir(folder)
    before = folder.stat().st_ino
    with pytest.raises(ZeroDivisionError), folder_atomically(given):
        raise ZeroDivisionError
    assert os.listdir() == ["old"]
    with folder_atomically(given) as stage:
        (stage / "deeper").mkdir()
        (stage / "deeper" / "new").touch()
    assert folder.stat().st_ino == before and os.listdir() == ["deeper"] and os.listdir("deeper") == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with folder_atomically(tmp_path / "link") as stage:
        (stage / "new").touch()
    assert os.listdir(tmp_path / "real") == ["new"] and (tmp_path / "link").is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


def test_a_tilde_is_the_home_folder_where_there_is_one(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    found = [str(expanded(path)) for path in ("~/a", "~", "a/~", "a", "~nobody_of_this_name/a")]
    assert found == [f"{tmp_path}/a", str(tmp_path), "a/~", "a", "~nobody_of_this_name/a"]
