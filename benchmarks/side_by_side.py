"""The training step of two peers beside the same in PyTorch, in turns, so that the ratios hold when the machine's speed drifts.

  python benchmarks/side_by_side.py --torch_python=path/to/python/with/torch --out=results/side_by_side.json

Both learn by SimCLR next to each other with Adam. Ours draws its views within the step; PyTorch gets ready ones, which is to
its advantage. Each side is a process of its own that waits while another computes.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from dogo_tf.reporting.provenance import record

TORCH_STYLES = ("plain", "tuned", "tuned_float32")
OUR_STYLES = ("float32", "mixed_bfloat16")
SETTINGS = (  # peers, side of the images, batch, steps a round
    ("wrn_16_2,wrn_10_2", 32, 128, 4),
    ("resnet_18,wrn_10_2", 32, 128, 1),
    ("mobilenet_v2,wrn_10_2", 64, 64, 2),
    ("mobilenet_v2,mobilenet_v2", 64, 64, 3),
)


def our_side(peers: list[str], image_size: int, batch: int, steps: int, precision: str) -> None:
    """Answers each line of standard input with the images per second of a round."""
    from dogo_tf.platform.keras_compat import keras, tf

    keras.mixed_precision.set_global_policy(precision)
    import dogo_tf

    made = [dogo_tf.Peer(name, "simclr", image_size=image_size, name=f"peer_{k}") for k, name in enumerate(peers)]
    model = dogo_tf.DoGo(made)
    model.compile([keras.optimizers.Adam(3e-4) for _ in made])
    shape = (batch, image_size, image_size, 3)
    images = tf.constant(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    step = tf.function(model.train_step)
    for _ in range(3):
        float(step(images)["loss"])
    counts = [sum(int(np.prod(w.shape)) for w in peer.encoder.trainable_weights) for peer in made]
    print("ready", tf.__version__, *counts, flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        for _ in range(steps):
            loss = float(step(images)["loss"])
        assert np.isfinite(loss)
        print(steps * batch / (time.perf_counter() - started), flush=True)


class Side:
    """One of the processes."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
        )
        self.version, *counts = self._answer().split()[1:]
        self.trainable = list(map(int, counts))

    def _answer(self) -> str:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"this stopped: {' '.join(map(str, self.process.args))}")
        return line

    def round(self) -> float:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self._answer())


def side_by_side(peers: str, image_size: int, batch: int, steps: int, rounds: int, torch_python: str) -> dict:
    shared = [f"--peers={peers}", f"--image_size={image_size}", f"--batch={batch}", f"--steps={steps}"]
    torch_step = str(Path(__file__).with_name("torch_step.py"))
    sides = {f"dogo_tf {s}": Side([sys.executable, __file__, f"--side={s}", *shared]) for s in OUR_STYLES}
    sides |= {f"torch {s}": Side([torch_python, torch_step, f"--style={s}", *shared]) for s in TORCH_STYLES}
    try:
        counts = {tuple(side.trainable) for side in sides.values()}
        if len(counts) != 1:
            raise SystemExit(f"{peers}: the networks differ, trainable weights: {counts}")
        rates = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                rates[name].append(side.round())
    finally:
        for side in sides.values():
            side.process.kill()
    best_of = {
        "ours": max((n for n in sides if n.startswith("dogo_tf")), key=lambda n: statistics.median(rates[n])),
        "torch": max((n for n in sides if n.startswith("torch")), key=lambda n: statistics.median(rates[n])),
    }

    def ratio(ours, theirs):
        return statistics.median(a / b for a, b in zip(rates[ours], rates[theirs], strict=True))

    return {
        "peers": peers.split(","),
        "image_size": image_size,
        "batch": batch,
        "rounds": rounds,
        "versions": {name: side.version for name, side in sides.items()},
        "images_per_second": {name: statistics.median(values) for name, values in rates.items()},
        "best": best_of,
        "best_over_best": ratio(best_of["ours"], best_of["torch"]),
        "float32_over_plain": ratio("dogo_tf float32", "torch plain"),
        "bfloat16_over_float32": ratio("dogo_tf mixed_bfloat16", "dogo_tf float32"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch_python", help="a Python that has PyTorch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="peers of one setting, e.g. mobilenet_v2,mobilenet_v2")
    parser.add_argument("--out", type=Path)
    for name in ("side", "peers"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    for name in ("image_size", "batch", "steps"):
        parser.add_argument(f"--{name}", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        return our_side(args.peers.split(","), args.image_size, args.batch, args.steps, args.side)
    if not args.torch_python:
        parser.error("--torch_python is needed")
    found = []
    for peers, image_size, batch, steps in SETTINGS:
        if args.only in (None, peers):
            found.append(side_by_side(peers, image_size, batch, steps, args.rounds, args.torch_python))
            print({name: value for name, value in found[-1].items() if name != "versions"}, flush=True)
            if args.out:
                record(args.out, {"settings": found})


if __name__ == "__main__":
    main()
