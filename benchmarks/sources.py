"""Images that are not in memory: what memory they take, how fast a cache trains and a stream decodes.

memory: peak of a pass over N pictures (statistics, features of all, a few training steps) above what TensorFlow and the model
    take by themselves, each pass in a process of its own; the pictures are links to some hundred files.
fit: `model.fit` from a warm cache against memory, in turns.
decode: a stream's pictures per second of processor time against Pillow alone, on one thread and on a thread for each core, and
    against a plain tf.data pipeline, whose resize takes single pixels, or all of them (antialiased), in turns.
workers: bytes that each of two workers reads in an epoch of a stream, by the system's own count, as a share of all files.
archive: members per second when a tar is gone through, and seconds to read the index that is kept.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
from PIL import Image
from turns import pictures_per_processor_second

import dogo_tf
from dogo_tf import data
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.reporting.provenance import record
from dogo_tf.sources.tar import tar_index

DIFFERENT = 200


def photographs(folder: Path, count: int, width: int, height: int) -> Path:
    """`count` JPEG files, of which DIFFERENT are pictures of their own and the others links to them."""
    rng = np.random.default_rng(0)
    for k in range(count):
        path = folder / f"{k // 1000:04}" / f"{k:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if k >= DIFFERENT:
            first = k % DIFFERENT
            os.link(folder / f"{first // 1000:04}" / f"{first:07}.jpg", path)
            continue
        coarse = rng.integers(0, 256, (height // 25, width // 25, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path, quality=90)
    return folder


def small_model(size: int) -> dogo_tf.DoGo:
    model = dogo_tf.DoGo([dogo_tf.Peer("wrn_10_2", image_size=size), dogo_tf.Peer("wrn_10_1", image_size=size)])
    model.compile(keras.optimizers.Adam(3e-4))
    return model


def one_pass(folder: Path, source: str, cache: Path, size: int) -> tuple[int, int]:
    """Peak resident memory in bytes of this process with TensorFlow and the model alone, and after it."""
    model = small_model(32)
    few = np.zeros((64, size, size, 3), np.uint8)
    model.fit(data.training_stream(few, 32, seed=0), steps_per_epoch=2, verbose=0)
    # A feature for each colour: those of real encoders take 4 bytes times their width an image on top.
    pooled = keras.Sequential([keras.Input((size, size, 3)), keras.layers.GlobalAveragePooling2D()])
    dogo_tf.evaluate.embed(pooled, few)
    before = peak_memory()
    images = data.open(folder, image_size=size, source=source, cache_dir=cache)
    data.pixel_statistics(images.images)
    dogo_tf.evaluate.embed(pooled, images.images)
    crops = dogo_tf.crop_plan(model) if source == "stream" else None
    model.fit(data.training_stream(images, 32, seed=0, crops=crops), steps_per_epoch=5, verbose=0)
    return before, peak_memory()


def peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory(counts: list[int], size: int, cache_gigabytes: float, keep: Callable[[dict], None]) -> dict:
    """Megabytes (10**6 bytes) above TensorFlow and the model. A cache larger than `cache_gigabytes` keeps smaller squares."""
    found: dict = {"size": size, "source_bytes": 0}
    with tempfile.TemporaryDirectory() as temporary:
        for count in counts:
            folder = photographs(Path(temporary) / str(count), count, size, size)
            found["source_bytes"] = max(path.stat().st_size for path in list(folder.rglob("*.jpg"))[:DIFFERENT])
            for source in ("cache", "stream"):
                side = size
                while source == "cache" and 3 * side**2 * count > cache_gigabytes * 1e9:
                    side //= 2
                command = [sys.executable, __file__, f"--once={folder},{source},{temporary}/cache,{side}"]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                before, after = map(int, done.stdout.split()[-2:])
                megabytes = {"size": side, "of_tensorflow": before / 1e6, "above": (after - before) / 1e6}
                found.setdefault(source, {})[str(count)] = megabytes
                print(source, count, megabytes, flush=True)
                keep({"memory": found})
                shutil.rmtree(f"{temporary}/cache", ignore_errors=True)
            shutil.rmtree(folder)
    return found


def fit(count: int, size: int, batch: int, steps: int, rounds: int) -> dict:
    with tempfile.TemporaryDirectory() as temporary:
        folder = photographs(Path(temporary) / "photographs", count, 120, 90)
        sets = {
            source: data.open(folder, image_size=size, source=source, cache_dir=Path(temporary) / "cache")
            for source in ("memory", "cache")
        }
        model, rates = small_model(size), {source: [] for source in sets}
        streams = {source: data.training_stream(images, batch, seed=0) for source, images in sets.items()}
        for number in range(rounds + 1):
            for source, stream in streams.items():
                started = time.perf_counter()
                model.fit(stream, steps_per_epoch=steps, verbose=0)
                if number:  # the first compiles, and checks the cache's checksums
                    rates[source].append(steps * batch / (time.perf_counter() - started))
    ratios = [ours / theirs for ours, theirs in zip(rates["cache"], rates["memory"], strict=True)]
    medians = {f"{source}_images_per_second": statistics.median(values) for source, values in rates.items()}
    return {"size": size, "batch": batch, "rounds": rounds, **medians, "cache_over_memory": statistics.median(ratios)}


def decode(count: int, size: int, rounds: int) -> dict:
    with tempfile.TemporaryDirectory() as temporary:
        folder = photographs(Path(temporary), count, 500, 375)
        stream = data.open(folder, image_size=size, source="stream")
        paths = list(stream.files)

        def alone(path):
            with Image.open(path) as image:
                image.draft(None, (2 * size, 2 * size))
                side = min(image.size)
                left, top = (image.width - side) // 2, (image.height - side) // 2
                square = image.crop((left, top, left + side, top + side))
                return np.asarray(square.resize((size, size), Image.Resampling.BILINEAR))

        def pillow():
            for path in paths:
                alone(path)

        def ours():
            for start in range(0, count, 128):
                stream[start : start + 128]

        def tf_data(antialias: bool):
            def square(path):
                image = tf.image.central_crop(tf.io.decode_jpeg(tf.io.read_file(path), channels=3), 0.75)
                return tf.cast(tf.image.resize(image, (size, size), antialias=antialias), tf.uint8)

            files = tf.data.Dataset.from_tensor_slices(paths).shuffle(count)
            for _ in files.map(square, num_parallel_calls=tf.data.AUTOTUNE).batch(128).prefetch(tf.data.AUTOTUNE):
                pass

        def pillow_in_threads():
            threads.map(alone, paths, chunksize=8)

        ways = {"stream": ours, "pillow": pillow, "pillow_in_threads": pillow_in_threads}
        ways |= {"tf_data": lambda: tf_data(False), "tf_data_antialiased": lambda: tf_data(True)}
        with ThreadPool() as threads:
            rates = pictures_per_processor_second(ways, count, rounds)
    return {"from": "500 x 375", "size": size, "rounds": rounds, **rates}


def bytes_read() -> int:
    """By this process, until now."""
    return int(
        next(line.split()[1] for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("rchar"))
    )


def one_worker(folder: Path, worker: int, batch: int) -> int:
    images = data.open(folder, image_size=32, source="stream")
    stream = iter(data.training_stream(images, batch, seed=0, replicas=2, local_replicas=range(worker, worker + 1)))
    before = bytes_read()
    for _ in range(len(images) // batch):
        next(stream)
    return bytes_read() - before


def workers(count: int, batch: int = 40) -> dict:
    with tempfile.TemporaryDirectory() as temporary:
        folder = photographs(Path(temporary), count, 250, 190)
        total, found = sum(path.stat().st_size for path in folder.rglob("*.jpg")), []
        for worker in range(2):
            command = [sys.executable, __file__, f"--worker={folder},{worker},{batch}"]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(int(done.stdout.splitlines()[-1]) / total)
    return {"images": count, "batch": batch, "share_of_bytes": found, "in_all": sum(found)}


def archive(count: int) -> dict:
    with tempfile.TemporaryDirectory() as temporary:
        path, content = Path(temporary) / "many.tar", Path(temporary) / "content"
        content.write_bytes(bytes(600))
        with tarfile.open(path, "w") as file:
            for k in range(count):
                file.add(content, f"{k:08}.jpg")
        seconds = []
        for _ in range(2):
            started = time.perf_counter()
            tar_index(path, Path(temporary) / "index")
            seconds.append(time.perf_counter() - started)
    return {"members": count, "indexed_per_second": count / seconds[0], "seconds_to_read_the_index": seconds[1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="memory,fit,decode,workers,archive")
    parser.add_argument("--counts", default="2000,20000,200000", help="pictures of the passes")
    parser.add_argument("--memory_size", type=int, default=224)
    parser.add_argument("--cache_gigabytes", type=float, default=5, help="most that a cache of the passes may take")
    parser.add_argument("--fit_images", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=20, help="of a round of fit")
    parser.add_argument("--decoded_images", type=int, default=2000)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--once", help=argparse.SUPPRESS)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        folder, source, cache, size = arguments.once.split(",")
        print(*one_pass(Path(folder), source, Path(cache), int(size)))
        return
    if arguments.worker:
        folder, worker, batch = arguments.worker.split(",")
        print(one_worker(Path(folder), int(worker), int(batch)))
        return

    def keep(found: dict) -> None:
        if arguments.out:
            record(arguments.out, found)

    counts = [int(count) for count in arguments.counts.split(",")]
    parts = {
        "memory": lambda: memory(counts, arguments.memory_size, arguments.cache_gigabytes, keep),
        "fit": lambda: fit(arguments.fit_images, 32, 128, arguments.steps, arguments.rounds),
        "decode": lambda: decode(arguments.decoded_images, 96, arguments.rounds),
        "workers": lambda: workers(4000),
        "archive": lambda: archive(arguments.members),
    }
    found = {name: parts[name]() for name in arguments.parts.split(",")}
    print(json.dumps(found, indent=1))
    keep(found)


if __name__ == "__main__":
    main()
