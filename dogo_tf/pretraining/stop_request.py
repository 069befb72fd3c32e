"""SIGTERM (pre-emption) and Ctrl-C as requests, so that a step is finished and saved before the run ends."""

import signal
import sys
import threading


class StopRequest:
    """While it is open as a context manager, `received` holds the signal that asked to stop, or None.

    A second Ctrl-C interrupts at once, as without it. Signals reach the main thread only; in others it changes nothing.
    """

    SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self):
        self.received: signal.Signals | None = None
        self._before = {}

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
        print(f"\n{self.received.name}: saving after this step", file=sys.stderr, flush=True)
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, self._before[signal.SIGINT])
