"""Which images a command is asked for: a folder, one image, a pattern, or a list."""

import glob
import sys
from pathlib import Path

from dogo_tf.data import list_file, listing
from dogo_tf.errors import InputError
from dogo_tf.platform.files import expanded
from dogo_tf.reporting.plain_text import printable


def image_files(images: str) -> list[Path]:
    """The files, in sorted order, or that of the list; what a folder leaves out is told on stderr.

    Args:
        images: a folder of any nesting; an image file; a pattern such as "photos/**/*.jpg"; or a .csv or .parquet list with
            the column path, of which all rows count, whatever their split.
    Raises:
        InputError: nothing there, or no image among it.
    """
    path = expanded(images)
    if path.is_dir():
        found = listing.list_images(path)
        if found.left_out:
            left_out = f"--images: not read, as they are no images of a known kind: {found.left_out_text()}"
            print(printable(left_out), file=sys.stderr)
        return found.files
    if path.suffix in list_file.EXTENSIONS:
        listed = list_file.listed_files(path)
        if listed.is_remote:
            raise InputError(
                f"--images: expected files of this machine; {path} names URLs, which only the commands with --dataset read"
            )
        return listed
    if path.exists():
        return [path]
    files = sorted(Path(name) for name in glob.glob(str(path), recursive=True))
    files = [file for file in files if file.suffix.lower() in listing.EXTENSIONS]
    if not files:
        raise InputError(
            "--images: expected a folder of images, an image, a pattern like 'photos/**/*.jpg' or a list (.csv, .parquet); "
            f"nothing is at {printable(images)}"
        )
    return files
