import subprocess
import sys

import pytest

from dogo_tf.errors import InputError
from dogo_tf.platform.files import is_temporary, reason, sha256, sole_owner, temporary_sibling


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
