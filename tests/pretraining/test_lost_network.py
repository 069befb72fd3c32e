"""A network that is lost in the middle of an epoch: what was trained until then is saved, and the run goes on from there."""

import pytest
from run_states import assert_same_state, make_pictures, small_run
from web_server import WebServer

from dogo_tf.errors import Interrupted
from dogo_tf.pretraining import pretrain as module
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.sources import remote
from dogo_tf.training.alarm import FailureAlarm


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.001)
    make_pictures(tmp_path, 40, size=8)
    (tmp_path / "list.csv").write_text("path\n" + "".join(f"{k}.png\n" for k in range(40)))
    found = WebServer(tmp_path)
    yield found
    found.close()


def settings(where, run_dir):
    more = {"peers": ("small_conv:simclr",), "batch_size": 8, "epochs": 3, "image_size": 8, "log_every": 1}
    return small_run(f"{where}/list.csv", run_dir, source="stream", cache_dir=str(run_dir.parent / "cache"), **more)


@pytest.fixture
def interrupted(server, tmp_path, monkeypatch):
    """(the settings, what was raised) of a run whose network is gone from the third step on."""

    class Unplugged(FailureAlarm):
        def __call__(self, step, metrics):
            if step >= 3:
                server.failures = 10**9
            return super().__call__(step, metrics)

    monkeypatch.setattr(module, "FailureAlarm", Unplugged)
    made = settings(server.url, tmp_path / "run")
    with pytest.raises(Interrupted) as raised:
        pretrain(made)
    server.failures = 0
    return made, raised.value


@pytest.mark.slow
def test_it_ends_as_an_interruption_after_a_checkpoint(interrupted, tmp_path):
    _, reason = interrupted
    assert not reason.by_user  # exit code 75
    (saved,) = (tmp_path / "run" / "checkpoints").glob("step_*")
    assert 3 <= int(saved.name.removeprefix("step_")) < 15
    text = str(reason)
    assert (
        ".png: cannot be reached, tried 6 times (ConnectionError: HTTP 503 Service Unavailable): stopped after step"
        in text
    )
    assert f"which is saved in {saved}; go on with --resume" in text


@pytest.mark.slow
def test_it_goes_on_to_the_same_end(interrupted, server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FailureAlarm", FailureAlarm)
    made, _ = interrupted
    assert_same_state(pretrain(made, resume=True), pretrain(settings(tmp_path, tmp_path / "whole")))
