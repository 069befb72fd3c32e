"""Requests to stop: kept for the next step, except in work that may be broken off."""

import signal

import pytest

from dogo_tf.training.stop_request import BrokenOff, StopRequest


def test_a_request_is_kept_and_the_work_goes_on():
    with StopRequest() as stop:
        assert stop.received is None
        signal.raise_signal(signal.SIGTERM)
        assert stop.received == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_work_that_may_be_broken_off_ends_at_once(number):
    with StopRequest() as stop:
        with pytest.raises(BrokenOff), stop.breaking_off():
            try:
                signal.raise_signal(number)
            except Exception:
                pytest.fail("taken for an error of the work")
            pytest.fail("the work went on")
        assert stop.received == number


def test_work_that_may_be_broken_off_does_not_begin_after_a_request():
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(BrokenOff), stop.breaking_off():
            pytest.fail("the work began")


def test_after_such_work_requests_are_kept_again():
    with StopRequest() as stop:
        with stop.breaking_off():
            pass
        signal.raise_signal(signal.SIGTERM)
        assert stop.received == signal.SIGTERM
