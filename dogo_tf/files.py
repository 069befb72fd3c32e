"""Files that are whole or not there."""

import os
from pathlib import Path


def write_atomically(path: Path, data: bytes) -> None:
    """The file appears under its name only when it is whole."""
    temporary = path.with_name(f".{os.getpid()}_{path.name}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
