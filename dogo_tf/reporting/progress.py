"""Progress of long steps on stderr: one self-overwriting line on a terminal, else a line now and then."""

import shutil
import sys
import time

from dogo_tf.reporting.plain_text import printable


class Progress:
    """Shows `label: note` as often as it is worth looking at; use as a context manager so that the last line stays.

    Args:
        label: what is going on, e.g. "reading cifar10".
        total: the number of units, for a percentage and an estimate of the time left; None if unknown.
        quiet_for: seconds before the first line, so that short steps stay silent.
        counted: whether the units themselves are shown, besides the percentage.
    Attributes:
        label: may be changed as things go on.
    """

    def __init__(self, label: str, total: int | None = None, quiet_for: float = 2.0, counted: bool = True):
        self.label = label
        self.total = total
        self.counted = counted
        self.started = time.monotonic()
        self.stream = sys.stderr  # the one of now: a library's own lines may be redirected while this shows
        self.on_terminal = self.stream.isatty()
        self.next_line = self.started + quiet_for
        self.shown = False
        self.first = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.shown and self.on_terminal:
            print(file=self.stream)

    def update(self, done: int, note: str = "") -> None:
        """`done` units of the total are finished."""
        now = time.monotonic()
        if self.first is None:
            self.first = (now, done)  # a resumed run starts in the middle, and its speed must not count what it found
        finished = self.total is not None and done >= self.total
        if now < self.next_line and not (finished and self.shown):
            return
        self.next_line = now + (0.2 if self.on_terminal else 10.0)
        self.shown = True
        separator = ":" if self.counted else ""
        line = printable(f"{self.label}{separator} {self._position(done, now)} {note}".rstrip())
        if self.on_terminal:  # a line that wraps could not be overwritten
            print(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}", end="", file=self.stream, flush=True)
        else:
            print(line, file=self.stream, flush=True)

    def _position(self, done: int, now: float) -> str:
        if self.total is None:
            return f"{done}"
        since, found = self.first
        left = (now - since) * (self.total - done) / (done - found) if done > found else None
        estimate = (
            "" if left is None or done >= self.total else f", {'about ' if self.counted else ''}{clock(left)} left"
        )
        counts = f"{done}/{self.total} " if self.counted else ""
        return f"{counts}({100 * done // self.total} %{estimate})"


def say(text: str) -> None:
    """Prints a line to stdout; on a terminal it takes the place of a progress line, which comes again below."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    print(printable(text), flush=True)


def clock(seconds: float) -> str:
    """ "2:05", "1:02:05"."""
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
