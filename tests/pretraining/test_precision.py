"""--precision=auto: what is chosen, when, and that it is kept."""

import itertools
import time
from types import SimpleNamespace

import pytest
from run_states import make_pictures, small_run

from dogo_tf.distribution.devices import Job
from dogo_tf.platform.keras_compat import tf
from dogo_tf.pretraining import precision
from dogo_tf.pretraining.precision import Choice, agreed, known, speed_ratio
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.runs.folder import RunFolder

AUTO = {"precision": "auto", "peers": ("small_conv",), "epochs": 2, "warmup_epochs": 0}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "train"
    folder.mkdir()
    make_pictures(folder, 32)
    return folder.parent


class Clock:
    """A clock that steps move, and other work on the machine, which slows both of them down."""

    def __init__(self, busy=(1,)):
        self.now, self.busy = 0.0, itertools.cycle(busy)

    def step(self, seconds):
        def work():
            self.now += seconds * next(self.busy)

        return work


@pytest.mark.parametrize("busy", [(1,), (1, 1, 1, 1, 30), (1, 1, 7, 7, 1, 1)])
def test_the_ratio_is_that_of_the_two_whatever_else_goes_on(busy, monkeypatch):
    clock = Clock(busy)
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    assert speed_ratio(clock.step(0.03), clock.step(0.02)) == pytest.approx(1.5)


def test_slow_steps_are_timed_a_few_times_only(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: clock.now)
    assert speed_ratio(clock.step(4.0), clock.step(8.0)) == pytest.approx(0.5)
    assert clock.now == 4 * (4.0 + 8.0)  # the first calls, and three rounds


@pytest.mark.parametrize(
    ("ratio", "chosen", "reason"),
    [
        (1.5, "mixed_bfloat16", "bfloat16 takes 0.67 times as long as float32 here"),
        (1.05, "float32", "bfloat16 takes 0.95 times as long as float32 here"),
        (0.5, "float32", "bfloat16 takes 2.00 times as long as float32 here"),
    ],
)
def test_bfloat16_must_be_clearly_faster(ratio, chosen, reason, monkeypatch):
    monkeypatch.setattr(precision, "speed_ratio", lambda *_: ratio)
    assert precision.fastest(small_run("x", "y", **AUTO), 16) == (chosen, reason)


def test_the_networks_themselves_are_timed_in_both(monkeypatch):
    called = []

    def ratio(*steps):
        called.extend(float(step()) for step in steps)
        return 1.0

    monkeypatch.setattr(precision, "speed_ratio", ratio)
    precision.fastest(small_run("x", "y", **{**AUTO, "peers": ("small_conv", "small_conv")}), 8)
    in_full, in_half = called
    assert in_full != in_half  # rounded otherwise
    assert tf.keras.mixed_precision.global_policy().name == "float32"


def test_a_run_keeps_its_choice_and_says_it(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(precision, "fastest", lambda *_: Choice("mixed_bfloat16", "it won"))
    run = pretrain(small_run(pictures, tmp_path / "run", **AUTO))
    assert "mixed_bfloat16: it won" in capsys.readouterr().out
    assert run.config()["settings"]["precision"] == "mixed_bfloat16"
    assert "--precision=mixed_bfloat16\n" in run.flags.read_text()
    monkeypatch.setattr(precision, "fastest", lambda *_: pytest.fail("chosen anew"))
    pretrain(small_run(pictures, tmp_path / "run", **AUTO), resume=True)
    assert "mixed_bfloat16: as the run began" in capsys.readouterr().out


def test_what_is_known_is_not_timed(tmp_path):
    folder = RunFolder(tmp_path)
    assert known(small_run("x", "y", **{**AUTO, "precision": "mixed_float16"}), folder, False) == ("mixed_float16", "")
    assert known(small_run("x", "y", strategy="tpu", **AUTO), folder, False)[0] == "mixed_bfloat16"
    assert known(small_run("x", "y", **AUTO), folder, False) is None


def test_workers_compute_as_the_chief_found(monkeypatch):
    monkeypatch.setattr(precision, "fastest", lambda *_: pytest.fail("only the chief looks"))
    worker = SimpleNamespace(is_chief=False, any=lambda flags: [False, False, True, False])
    assert agreed(small_run("x", "y", **AUTO), None, 16, worker) == ("mixed_bfloat16", "")
    alone = Job(tf.distribute.get_strategy())
    assert agreed(small_run("x", "y", **AUTO), Choice("float32", "why"), 16, alone) == ("float32", "why")
