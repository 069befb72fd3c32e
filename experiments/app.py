"""What all binaries share: help that explains, errors without a traceback, exit codes."""

import contextlib
import io
import itertools
import os
import select
import shutil
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from absl import flags
from PIL import Image

import dogo_tf
from dogo_tf.errors import InputError, Interrupted, TrainingFailure
from dogo_tf.optimizers.rates import AUTO
from dogo_tf.platform import ranges
from dogo_tf.reporting.plain_text import printable

MAX_PIXELS_HELP = (
    "Largest number of pixels of an image file to decode (5e7: 50 megapixels). A larger JPEG, up to 179 megapixels, is decoded "
    "at 1/2, 1/4 or 1/8 of its sides; other files count as unreadable."
)
SOURCE_HELP = (
    "Where images are kept. memory: decoded at the start; cache: decoded once into cache_dir, where later runs find "
    "them; stream: decoded whenever they are needed; auto: the first of these that has the room, which is said. TFDS data sets "
    "cannot be a stream unless they are in array_record."
)
CACHE_DIR_HELP = "Folder of all image caches; ~/.cache/dogo_tf if not given."
WIDEST_HELP = 100  # columns
EXIT_INPUT_ERROR = 2
EXIT_TRAINING_FAILURE = 3
EXIT_START_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong with the job itself
EXIT_INTERRUPTED = 130
EXIT_OUTPUT_CLOSED = 141  # of a program that SIGPIPE ended, in a shell


def run(main, flag_values: flags.FlagValues, description: str, argv: list[str] | None = None) -> int:
    """Parses `argv` into `flag_values` and calls `main()`; returns the exit code.

    0 done; 2 a user's mistake, printed as one message; 3 the training cannot usefully go on; 75 stopped by SIGTERM, or by the
    loss of another worker or of the network, to be started again with --resume; 130 interrupted by Ctrl-C; 141 nobody reads
    the output any more, as in `dogo-probe ... | head -1`. Each binary has FlagValues of its own, so that several can live in
    one process.
    """
    try:
        code = _run(main, flag_values, description, sys.argv if argv is None else argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        if not _output_is_closed():
            raise  # of another pipe than ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains again when it ends
        return EXIT_OUTPUT_CLOSED


def _run(main, flag_values: flags.FlagValues, description: str, argv: list[str]) -> int:
    if any(word in ("-h", "-help", "--help", "--helpshort", "--helpfull") for word in argv[1:]):
        print(help_text(flag_values, description))
        return 0
    if "--version" in argv[1:]:
        print(f"{Path(argv[0]).name} {dogo_tf.__version__}")
        return 0
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a name that the screen cannot show must not end the work
    try:
        _parse(flag_values, argv)
        _check_ranges(flag_values)
        with _pillow_opens_what_is_asked_for(flag_values):
            main()
        return 0
    except InputError as error:
        print(printable(f"error: {error}"), file=sys.stderr)
        return EXIT_INPUT_ERROR
    except PermissionError as error:
        print(printable(f"error: {error.filename}: {error.strerror}"), file=sys.stderr)
        return EXIT_INPUT_ERROR
    except TrainingFailure as failure:
        print(printable(f"training stopped: {failure}"), file=sys.stderr)
        return EXIT_TRAINING_FAILURE
    except Interrupted as interruption:
        print(printable(f"interrupted: {interruption}"), file=sys.stderr)
        return EXIT_INTERRUPTED if interruption.by_user else EXIT_START_AGAIN
    except KeyboardInterrupt:
        print("\ninterrupted; what was finished is kept", file=sys.stderr)
        return EXIT_INTERRUPTED


def _output_is_closed() -> bool:
    """Whether stdout is a pipe whose reader has gone."""
    poll = select.poll()
    with contextlib.suppress(io.UnsupportedOperation):  # a stdout that is no file, as in a notebook
        poll.register(sys.stdout.fileno(), select.POLLOUT)
    return any(event & select.POLLERR for _, event in poll.poll(0))


@contextlib.contextmanager
def _pillow_opens_what_is_asked_for(flag_values: flags.FlagValues) -> Iterator[None]:
    """Raises Pillow's limit on what it opens, twice MAX_IMAGE_PIXELS, to --max_pixels where that is more.

    It is one number for all threads, and a command has none yet; a library must leave it to the program. It is raised, not
    lifted: max_pixels itself is checked before anything is decoded, but Pillow also looks at what the size of a picture
    does not tell, such as the tiles of a TIFF file.
    """
    before = Image.MAX_IMAGE_PIXELS
    if before is not None and "max_pixels" in flag_values:
        Image.MAX_IMAGE_PIXELS = max(before, flag_values["max_pixels"].value / 2)
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def help_text(flag_values: flags.FlagValues, description: str) -> str:
    """The binary's description, then every flag with its default, in the order of their definition; as wide as the terminal."""
    width = min(WIDEST_HELP, shutil.get_terminal_size((WIDEST_HELP, 24)).columns)
    title = "Flags (also from a file: --flagfile=PATH, one a line; --version for the version):"
    lines = [*_refilled(description.strip(), width), "", *textwrap.wrap(title, width)]
    for name in flag_values:
        flag = flag_values[name]
        default = "" if flag.default in (None, "", []) else f" (default: {flag.default_as_str.strip(chr(39))})"
        prefix = "--[no]" if flag.boolean else "--"
        lines.append(f"  {prefix}{name}{default}")
        lines += textwrap.wrap(flag.help, width, initial_indent="      ", subsequent_indent="      ")
    return "\n".join(lines)


def _refilled(text: str, width: int) -> list[str]:
    """Prose in lines of this width; what is indented (commands, tables) and empty lines as they are."""
    lines = []
    for kept, found in itertools.groupby(text.splitlines(), lambda line: not line or line.startswith(" ")):
        block = list(found)
        lines += block if kept else textwrap.wrap(" ".join(block), width, break_on_hyphens=False)
    return lines


def trust_flag(flag_values: flags.FlagValues) -> None:
    """--trust, for each binary that loads a SavedModel."""
    flags.DEFINE_bool(
        "trust",
        False,
        "Load a SavedModel whatever it does. A SavedModel is a program that can read and write your files; without this flag "
        "one with ops beyond arithmetic, layers and variables is refused before it is loaded.",
        flag_values=flag_values,
    )


def source_flags(flag_values: flags.FlagValues) -> None:
    """--source and --cache_dir, for each binary that reads a data set."""
    flags.DEFINE_string("source", "auto", SOURCE_HELP, flag_values=flag_values)
    flags.DEFINE_string("cache_dir", None, CACHE_DIR_HELP, flag_values=flag_values)


def numbers(name: str, words) -> tuple[float | str, ...]:
    """The values of a list flag as numbers; learning rates may also be AUTO."""
    allowed, expected = ((AUTO,), f"numbers or {AUTO}") if name == "learning_rate" else ((), "numbers")
    try:
        return tuple(word if word in allowed else float(word) for word in words)
    except ValueError as error:
        raise InputError(f"--{name}: expected {expected}, separated by commas; got {','.join(words)!r}") from error


def names(words) -> tuple[str, ...]:
    """The values of a list flag; a flag that was given empty has none."""
    return tuple(word for word in words if word)


def kinds_of_noise(words) -> tuple[tuple[str, float], ...]:
    """The values of --noise, kind:share each."""
    pairs = [word.partition(":") for word in names(words)]
    for kind, separator, _ in pairs:
        if not separator:
            raise InputError(f"--noise: expected kind:share, e.g. symmetric:0.4; got {kind!r}")
    return tuple((kind, numbers("noise", [share])[0]) for kind, _, share in pairs)


@contextlib.contextmanager
def told_of(name: str) -> Iterator[None]:
    """What is wrong with the value of a flag is told with the flag's name."""
    try:
        yield
    except InputError as error:
        raise InputError(f"--{name}: {str(error).removeprefix(f'{name}: ')}") from error


def required(flag_values: flags.FlagValues, *names: str) -> None:
    for name in names:
        if not flag_values[name].value:
            raise InputError(f"--{name} is needed: {flag_values[name].help} See --help.")


def _check_ranges(flag_values: flags.FlagValues) -> None:
    """Every number of every binary, by one table."""
    for name in flag_values:
        if name in ranges.RANGES:
            value = flag_values[name].value
            if isinstance(value, list):
                value = tuple(number for number in numbers(name, value) if number != AUTO)
            ranges.check(name, value, "--")


def _parse(flag_values: flags.FlagValues, argv: list[str]) -> None:
    for name in flag_values:
        flag_values[name].unparse()
    # A shell makes several words of shards/{000..099}.tar without quotes, of which only the last would count.
    archives = [word for word in argv if word.startswith("--dataset=") and word.endswith(".tar")]
    if len(archives) > 1:
        raise InputError(f"--dataset: given {len(archives)} times; put a pattern of archives in quotes; see --help")
    try:
        words = flag_values(argv)
    except flags.IllegalFlagValueError as error:
        name, _, value = str(error).removeprefix("flag --").partition(":")[0].partition("=")
        if name not in ranges.RANGES:
            raise InputError(f"{error}; see --help") from error
        raise InputError(f"--{name}: expected {ranges.RANGES[name]}, got {value!r}; see --help") from error
    except flags.CantOpenFlagFileError as error:
        reason = str(error).removeprefix("ERROR:: Unable to open flagfile: ")  # absl's words
        raise InputError(f"--flagfile: cannot be opened: {reason}; see --help") from error
    except flags.Error as error:
        raise InputError(f"{error}; see --help") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--flagfile: expected a text file, a flag a line; {error}") from error
    if len(words) > 1:
        raise InputError(f"expected flags of the form --name=value only; got {' '.join(words[1:])!r}; see --help")
