"""Where the images of a folder are kept, in memory, in a cache on disk, or nowhere; and at which size."""

import os
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from dogo_tf.data.image_set import available_memory
from dogo_tf.platform.files import expanded

SOURCES = ("auto", "memory", "cache", "stream")
MEMORY_SHARE = 0.5  # of the free memory that images may take: networks and their activations want the rest
STORE_RATIO = 1.25  # of the training size: what most random crops, of a fifth of the area or more, can still show
DISK_SHARE = 0.9  # of the free room on the cache's disk


def choose(needed: int, missing_on_disk: Callable[[], int], free_on_disk: Callable[[], int]) -> tuple[str, str]:
    """(source, why) for source="auto".

    Args:
        needed: bytes of all images.
        missing_on_disk: how many of them the cache has not yet. free_on_disk: free bytes there. Asked only if need be.
    """
    memory = available_memory()
    if memory is None or needed <= MEMORY_SHARE * memory:
        share = f", no more than {MEMORY_SHARE:.0%} of the {_size(memory)} of free memory" if memory is not None else ""
        return "memory", f"the images take {_size(needed)}{share}"
    too_large = f"the images take {_size(needed)}, more than {MEMORY_SHARE:.0%} of the {_size(memory)} of free memory"
    missing, free = missing_on_disk(), free_on_disk()
    if not missing:
        return "cache", f"{too_large}, and are in the cache already"
    if missing <= DISK_SHARE * free:
        return "cache", f"{too_large}; of {_size(missing)} to write, the cache's disk has {_size(free)} free"
    return (
        "stream",
        f"{too_large}, and {_size(missing)} in a cache more than {DISK_SHARE:.0%} of {_size(free)} of free disk",
    )


def store_size(sizes: Sequence[tuple[int, int]], image_size: int, ratio: float) -> int:
    """Up to `ratio` times image_size, but no more than most pictures have, and no less than image_size.

    sizes: (width, height) of some of them; none: image_size.
    """
    if not sizes or ratio == 1:
        return image_size
    shorter_side = int(statistics.median(map(min, sizes)))
    return max(image_size, min(round(ratio * image_size), shorter_side))


def default_cache_dir() -> Path:
    """Where caches are kept unless told otherwise: dogo_tf in the user's folder of caches."""
    return expanded(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "dogo_tf"


def _size(count: float) -> str:
    """Bytes for people: "38 KB", "1.2 GB"."""
    for unit in ("KB", "MB", "GB"):
        count /= 1000
        if count < 999.5 or unit == "GB":
            return f"{count:,.1f} {unit}" if count < 9.95 else f"{count:,.0f} {unit}"
    raise AssertionError
