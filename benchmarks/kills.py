"""Runs that are killed by SIGKILL at chosen points and resumed: the first difference to one that was not killed."""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.provenance import record
from dogo_tf.runs.folder import RunFolder

PROGRAM = str(Path(__file__).with_name("killed_run.py"))
FLAGS = ["--dataset=patterns", "--split=train[:160]", "--peers=wrn_10_1:simclr,wrn_10_1:simclr", "--batch_size=32"]
FLAGS += ["--epochs=4", "--log_every=2", "--checkpoint_steps=5", "--schedule=cosine", "--learning_rate=1e-3"]
STEPS = 20


def state(folder: RunFolder) -> dict:
    """Every tensor of the newest checkpoint: weights, optimiser slots, counters, metrics."""
    newest = sorted(folder.checkpoints.glob("step_*"))[-1]
    reader = tf.train.load_checkpoint(str(newest / "state"))
    values = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    values.pop("_CHECKPOINTABLE_OBJECT_GRAPH")
    return values


def first_difference(ours: RunFolder, theirs: RunFolder) -> str:
    ours, theirs = state(ours), state(theirs)
    if ours.keys() != theirs.keys():
        return "other variables"
    different = [name for name in sorted(ours) if not np.array_equal(ours[name], theirs[name])]
    return different[0] if different else "none"


def run(point: str, folder: Path, *more: str) -> int:
    command = [sys.executable, PROGRAM, point, *FLAGS, f"--run_dir={folder}", *more]
    return subprocess.run(command, capture_output=True).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the steps at which a run is killed")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    steps = random.Random(arguments.seed).sample([step for step in range(6, STEPS) if step % 5], 2)
    points = [*(f"step:{step}" for step in steps), "encoders:5", "write:2", "write:3", "unverified:3"]
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "whole"
        if run("none", whole):
            raise SystemExit("the run that was not killed failed")
        for point in points:
            folder = Path(temporary) / point.replace(":", "_")
            killed = run(point, folder)
            left = [path.name for path in sorted((folder / "checkpoints").glob("*"))]
            resumed = run("none", folder, "--resume")
            difference = first_difference(RunFolder(folder), RunFolder(whole))
            row = {"point": point, "killed by": -killed, "left": left, "resumed": resumed == 0}
            rows.append({**row, "first difference": difference})
            print(rows[-1], flush=True)
    if arguments.out:
        record(arguments.out, {"flags": FLAGS, "steps": STEPS, "kills": rows})


if __name__ == "__main__":
    main()
