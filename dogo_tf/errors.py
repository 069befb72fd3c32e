"""What a user can put right, or has asked for. The binaries print these without a traceback; anything else is a bug of ours."""

from collections.abc import Iterable


class InputError(ValueError):
    """An argument, a file or a folder that cannot be used; the message says what was expected, what came, and the options."""

    # tf.function re-raises an exception from a traced step as its own type only if it has exactly this constructor.
    __init__ = Exception.__init__


class TrainingFailure(RuntimeError):
    """A run that cannot usefully go on (NaN, collapse); the message names the step, the peer and the last good checkpoint."""


class Interrupted(RuntimeError):
    """A run that was asked to stop, or lost one of its workers or its network: everything is kept, and --resume goes on.

    `by_user` tells Ctrl-C from the rest (pre-emption, a lost worker, a server that does not answer), after which a job is best
    started again.
    """

    def __init__(self, message: str, by_user: bool = False):
        super().__init__(message)
        self.by_user = by_user


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a name that is none of the known ones. `kind` is what it names, e.g. "objective"."""
    return InputError(f"unknown {kind} {name!r}; known: {', '.join(sorted(known))}")
