"""What checkpoints cost: the share of a run's time that goes into saving at the default interval."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from dogo_tf.pretraining.build_model import build_model
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.provenance import record
from dogo_tf.runs.checkpoint import RunCheckpoint
from dogo_tf.runs.folder import RunFolder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--peers", default=",".join(PretrainSettings.peers))
    parser.add_argument("--saves", type=int, default=7)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        settings = PretrainSettings(dataset="none", run_dir=temporary, peers=tuple(arguments.peers.split(",")))
        model = build_model(settings, 32, (127.5,) * 3, (127.5,) * 3, steps_per_epoch=100)
        folder = RunFolder(temporary)
        checkpoint = RunCheckpoint(folder.checkpoints, model)
        seconds = []
        for step in range(arguments.saves):
            started = time.perf_counter()
            folder.save_encoders(model.peers)
            path = checkpoint.save(step)
            seconds.append(time.perf_counter() - started)
        size = sum(file.stat().st_size for file in path.iterdir())
    # The slowest, because the first save traces, and disks vary.
    share = max(seconds) / (60 * settings.checkpoint_minutes)
    print(f"{statistics.median(seconds):.2f} s a save (slowest {max(seconds):.2f}), {size / 1e6:.0f} MB")
    print(f"every {settings.checkpoint_minutes:g} minutes: {100 * share:.2f} % of the run, by the slowest")
    if arguments.out:
        numbers = {"peers": list(settings.peers), "megabytes": size / 1e6, "seconds": seconds}
        record(arguments.out, {**numbers, "minutes": settings.checkpoint_minutes, "share_of_run": share})


if __name__ == "__main__":
    main()
