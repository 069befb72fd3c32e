"""A data set of a million files: how long it takes to list it once, and to start with the index that is kept.

Each kind of data is listed, then started twice in processes of their own: the first start still takes the statistics of a
sample of the images, the second is what every later one takes. Seconds are counted from when TensorFlow is loaded.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sources import photographs, small_model

from dogo_tf import data
from dogo_tf.experiments import index
from dogo_tf.reporting.provenance import record

SIZE, BATCH = 32, 128


def written_list(folder: Path, path: Path) -> Path:
    with path.open("w") as file:
        file.write("path,label\n")
        for picture in sorted(folder.rglob("*.jpg")):
            file.write(f"{picture},{int(picture.stem) % 1000}\n")
    return path


def start(dataset: str, cache: str) -> dict:
    """Seconds of each part of a start, and the megabytes that the process grew by until the images were open."""
    small_model(SIZE)  # TensorFlow is loaded by then, and has built its first network
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    marks = [time.perf_counter()]
    images = data.open(dataset, image_size=SIZE, source="stream", cache_dir=cache)
    marks.append(time.perf_counter())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    data.pixel_statistics(images.images)
    marks.append(time.perf_counter())
    small_model(SIZE).fit(data.training_stream(images, BATCH, seed=0), steps_per_epoch=1, verbose=0)
    marks.append(time.perf_counter())
    parts = dict(zip(("open", "statistics", "first_step"), np.diff(marks).tolist(), strict=True))
    return {**parts, "in_all": marks[-1] - marks[0], "megabytes_of_the_index": grown / 1024}


def measured(dataset: Path, count: int, cache: Path) -> dict:
    started = time.perf_counter()
    assert index.run(["dogo-index", f"--dataset={dataset}", f"--cache_dir={cache}"]) == 0
    listed = time.perf_counter() - started
    starts = []
    for _ in range(2):
        command = [sys.executable, __file__, f"--start={dataset},{cache}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        starts.append(json.loads(done.stdout.splitlines()[-1]))
    found = {
        "listed_per_second": count / listed,
        "seconds_to_list": listed,
        "first_start": starts[0],
        "start": starts[1],
    }
    print(dataset, found, flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--start", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.start:
        print(json.dumps(start(*arguments.start.split(","))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = photographs(Path(temporary) / "photographs", arguments.files, 120, 90)
        sets = {"folder": folder, "list": written_list(folder, Path(temporary) / "list.csv")}
        cache = Path(temporary) / "cache"
        found = {kind: measured(dataset, arguments.files, cache) for kind, dataset in sets.items()}
    if arguments.out:
        record(arguments.out, {"files": arguments.files, **found})


if __name__ == "__main__":
    main()
