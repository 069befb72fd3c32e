"""SIGTERM (pre-emption) and Ctrl-C as requests, so that a step is finished and saved before the run ends."""

import contextlib
import signal
import sys
import threading


class BrokenOff(BaseException):
    """Leaves a StopRequest's `breaking_off` when a request comes. No Exception, so that nothing on the way takes it for one."""


class StopRequest:
    """While it is open as a context manager, `received` holds the signal that asked to stop, or None.

    A second Ctrl-C interrupts at once, as without it. Signals reach the main thread only; in others it changes nothing.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self):
        self.received: signal.Signals | None = None
        self._before = {}
        self._breaks_off = False

    @contextlib.contextmanager
    def breaking_off(self):
        """Around work that may take minutes and can be done again: a request, also one of before, raises BrokenOff in it."""
        self._breaks_off = True
        try:
            if self.received is not None:
                raise BrokenOff
            yield
        finally:
            self._breaks_off = False

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in self.SIGNALS}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _receive(self, number, frame):
        self.received = signal.Signals(number)
        what = "breaking off the probe and saving" if self._breaks_off else "saving after this step"
        print(f"\n{self.received.name}: {what}", file=sys.stderr, flush=True)
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, self._before[signal.SIGINT])
        if self._breaks_off:
            raise BrokenOff
