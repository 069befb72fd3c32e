"""A job of two real processes on this machine: the numbers of one device, and what happens when one of them ends or freezes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from run_states import assert_same_state, log, make_pictures, tensorboard

from dogo_tf.runs.folder import RunFolder

PROGRAMS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.slow


def free_ports(count):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(commands):
    """One process per command, as the workers of a job."""
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(len(commands))]}
    processes = []
    for index, command in enumerate(commands):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        environment = {**os.environ, "TF_CONFIG": config}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        processes.append(subprocess.Popen([sys.executable, *command], env=environment, text=True, **pipes))
    return processes


def finish(processes):
    """[(exit code, output, errors)] of each."""
    try:
        outputs = [process.communicate(timeout=900) for process in processes]
    finally:  # a job that hangs must fail the test, not the whole suite
        for process in processes:
            process.kill()
    return [(process.returncode, *output) for process, output in zip(processes, outputs, strict=True)]


def test_two_workers_train_to_the_weights_of_one_device():
    program = str(PROGRAMS / "equality.py")
    flags = ["--workers", "--json", "--objectives=simclr,simsiam"]
    results = finish(start([[program, *flags]] * 2))
    for code, output, errors in results:
        assert code == 0, errors[-3000:]
        deviations = json.loads(output.splitlines()[-1])["simclr + simsiam, similarity_kl"]["workers"]
        assert deviations.keys() == {"1", "5"} and max(deviations.values()) < 1e-9


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return make_pictures(tmp_path_factory.mktemp("pictures"), size=8)


def job(pictures, run_dir, *more, points=("none", "none")):
    often = ["--batch_size=16", "--epochs=3", "--log_every=2", "--checkpoint_steps=3", "--learning_rate=1e-3"]
    flags = [f"--dataset={pictures}", f"--run_dir={run_dir}", "--peers=wrn_10_1,wrn_10_1", *often, *more]
    flags.append("--strategy=multi_worker")
    return start([[str(PROGRAMS / "killed_run.py"), point, *flags] for point in points])


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "whole"
    for code, _, errors in finish(job(pictures, path)):
        assert code == 0, errors[-3000:]
    return RunFolder(path)


def test_the_run_folder_is_the_chiefs(whole):
    assert [line["step"] for line in log(whole)] == [2, 4, 6, 8, 9]
    assert whole.peer_names() == ["wrn_10_1", "wrn_10_1_2"]
    assert len(list(whole.tensorboard.glob("events*"))) <= 2  # one file for the views, one for the scalars
    assert not list(whole.path.rglob(".[0-9]*"))


@pytest.mark.parametrize("end", ["step:5", "freeze:5"])
def test_a_lost_worker_ends_the_others_and_the_job_goes_on_bit_identically(pictures, whole, tmp_path, end):
    chief, other = job(pictures, tmp_path, points=("none", end))
    _, errors = chief.communicate()
    assert chief.returncode == 75, errors[-3000:]
    message = (
        "interrupted: another of the 2 workers ended or cannot be reached .*: start all of them again with --resume"
    )
    assert re.search(message, errors)
    other.kill()
    other.communicate()
    assert other.returncode == -signal.SIGKILL
    for code, output, errors in finish(job(pictures, tmp_path, "--resume")):
        assert code == 0, errors[-3000:]
        assert "resuming from" in output and "step_000000003" in output
    resumed = RunFolder(tmp_path)
    assert_same_state(resumed, whole)
    assert [line["step"] for line in log(resumed)] == [line["step"] for line in log(whole)]
    assert [entry[:2] for entry in tensorboard(resumed)] == [entry[:2] for entry in tensorboard(whole)]


def test_a_signal_to_one_worker_stops_all_at_the_same_step(pictures, whole, tmp_path):
    results = finish(job(pictures, tmp_path, points=("none", "term:5")))
    for code, _, errors in results:
        assert code == 75, errors[-3000:]
        assert "stopped after step 6 of 9" in errors  # the next step at which they ask each other
    for code, _, errors in finish(job(pictures, tmp_path, "--resume")):
        assert code == 0, errors[-3000:]
    assert_same_state(RunFolder(tmp_path), whole)
