import io
import sys

import pytest

from dogo_tf.reporting import progress


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_what_is_over_soon_stays_silent(clock, capsys):
    with progress.Progress("reading", 10) as line:
        for done in range(11):
            clock[0] = done / 10
            line.update(done)
    assert capsys.readouterr().err == ""


def test_a_long_step_says_how_far_it_is_and_how_long_it_will_take(clock, capsys):
    with progress.Progress("reading", 100) as line:
        for done in range(101):
            clock[0] = float(done)
            line.update(done, note="cats")
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == "reading: 2/100 (2 %, about 1:38 left) cats"
    assert shown[1] == "reading: 12/100 (12 %, about 1:28 left) cats"
    assert shown[-1] == "reading: 100/100 (100 %) cats"


def test_a_resumed_run_estimates_from_its_own_speed(clock, capsys):
    line = progress.Progress("training", 1000, quiet_for=0)
    line.update(900)
    clock[0] = 20.0
    line.update(910)
    assert "910/1000 (91 %, about 3:00 left)" in capsys.readouterr().err


def test_an_unknown_total_gives_a_count(clock, capsys):
    line = progress.Progress("reading", quiet_for=0)
    line.update(7)
    assert capsys.readouterr().err == "reading: 7\n"


def test_a_terminal_gets_one_line_that_fits(clock, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "40")
    with progress.Progress("training", 10, quiet_for=0) as line:
        line.update(1, note="a long note " * 10)
        shown = sys.stderr.getvalue()
    assert shown.startswith("\r\x1b[Ktraining: 1/10") and len(shown) == len("\r\x1b[K") + 39
    assert sys.stderr.getvalue().endswith("\n")


@pytest.mark.parametrize("terminal, erased", [(True, "\r\x1b[K"), (False, "")])
def test_a_line_said_in_between_takes_the_place_of_a_progress_line(terminal, erased, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    progress.say("probe after epoch 2")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("probe after epoch 2\n", erased)
