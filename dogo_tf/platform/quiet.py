"""Keeps start-up lines of native code off the screen: they go to file descriptor 2 and no Python setting reaches them."""

import contextlib
import os
import sys
import tempfile


@contextlib.contextmanager
def captured_stderr():
    """What is written to file descriptor 2 inside is dropped, or shown after all if an exception leaves the block."""
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(screen, kept.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
