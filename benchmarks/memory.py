"""Peak memory and time of what grows with the batch: a pair's losses with their gradients, and a training step.

The losses (NT-Xent of both peers and both divergences) are computed with whole matrices of similarities and in blocks of rows;
the step, with the encoders' activations of the whole batch and of micro-batches. Each figure is of a fresh process: by how much
its peak resident memory grows, after a warm-up at a small batch that loads what TensorFlow loads once, and the fastest of a few
computations. A ratio is that of two processes that follow one another, and the median of a few.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

PEERS = ("wrn_16_2", "wrn_10_2")


def losses(width: int, most_similarities: int):
    """A function of the batch size that computes the losses and their gradients."""
    from dogo_tf.distill.similarity_kl import similarity_kl
    from dogo_tf.numerics import similarity
    from dogo_tf.objectives.simclr import nt_xent
    from dogo_tf.platform.keras_compat import tf

    similarity.MOST_SIMILARITIES = most_similarities

    @tf.function
    def gradients(views):
        with tf.GradientTape() as tape:
            tape.watch(views)
            a1, b1, a2, b2 = views
            loss = tf.add_n([tf.reduce_mean(nt_xent(a1, b1)), tf.reduce_mean(nt_xent(a2, b2))])
            loss += tf.reduce_mean(similarity_kl(a1, b1, a2, b2)) + tf.reduce_mean(similarity_kl(a2, b2, a1, b1))
        return tape.gradient(loss, views)

    def run(batch):
        views = [tf.random.stateless_normal([batch, width], [0, k]) for k in range(4)]
        return [float(tf.reduce_sum(gradient)) for gradient in gradients(views)]

    return run


def step(micro_batches: int):
    """A function of the batch size that does one training step."""
    import numpy as np

    import dogo_tf
    from dogo_tf.platform.keras_compat import keras, tf

    model = dogo_tf.DoGo([dogo_tf.Peer(name) for name in PEERS], micro_batches=micro_batches)
    model.compile(keras.optimizers.Adam(3e-4))
    train_step = tf.function(model.train_step)

    def run(batch):
        images = np.random.default_rng(0).integers(0, 256, (batch, 32, 32, 3), dtype=np.uint8)
        return float(train_step(tf.constant(images))["loss"])

    return run


def measure(run, warm_up: int, batch: int, times: int) -> dict:
    """Megabytes (10**6 bytes) and seconds."""
    run(warm_up)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(batch)
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        run(batch)
        seconds.append(time.perf_counter() - started)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"megabytes": grown * 1024 / 1e6, "seconds": min(seconds)}


def in_a_process(limit: float, **what) -> dict | None:
    """`measure` in a process of its own; None if that was ended because it took more than `limit` GiB."""
    command = [sys.executable, __file__, f"--once={json.dumps(what)}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while True:
        try:
            out, errors = process.communicate(timeout=0.05)
            break
        except subprocess.TimeoutExpired:
            if resident(process.pid) > limit * 2**30:
                process.kill()
                process.communicate()
                return None
    if process.returncode:
        raise SystemExit(f"{command}: exit {process.returncode}\n{errors[-2000:]}")
    return json.loads(out.splitlines()[-1])


def resident(pid: int) -> int:
    """Bytes of memory that a process holds (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def compare(limit: float, repeats: int, first: dict, second: dict, names: tuple[str, str]) -> dict:
    """Largest memory and fastest time of each by name (None if it does not fit), and the second over the first."""
    rounds = []
    for _ in range(repeats):
        pair = [
            in_a_process(limit, **what) if not rounds or rounds[0][k] else None
            for k, what in enumerate((first, second))
        ]
        print(f"{names[0]} {first}: {pair[0]}; {names[1]} {second}: {pair[1]}", flush=True)
        rounds.append(pair)
    found = {}
    for name, runs in zip(names, zip(*rounds, strict=True), strict=True):
        whole = None not in runs
        found[name] = {
            "megabytes": max(run["megabytes"] for run in runs) if whole else None,
            "seconds": min(run["seconds"] for run in runs) if whole else None,
        }
    if all(found[name]["megabytes"] for name in names):
        found["time_ratio"] = statistics.median(b["seconds"] / a["seconds"] for a, b in rounds)
        found["memory_ratio"] = statistics.median(b["megabytes"] / a["megabytes"] for a, b in rounds)
    return found


def once(what: dict) -> dict:
    if what["kind"] == "step":
        return measure(step(what["micro_batches"]), 2 * what["micro_batches"], what["batch"], what["times"])
    return measure(losses(what["width"], what["most_similarities"]), 64, what["batch"], what["times"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--batches", default="1024,4096,16384", help="batch sizes of the losses")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--step_batch", type=int, default=512)
    parser.add_argument("--micro_batches", type=int, default=4)
    parser.add_argument(
        "--repeats", type=int, default=3, help="pairs of fresh processes; the largest growth is reported"
    )
    parser.add_argument(
        "--limit", type=float, default=16.0, help="GiB at which a process is ended: what it computes does not fit"
    )
    parser.add_argument("--once", help="measure this (JSON) in this process and print the result alone")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(once(json.loads(arguments.once))))
        return
    from dogo_tf.numerics.similarity import MOST_SIMILARITIES
    from dogo_tf.reporting.provenance import record

    numbers = {"width": arguments.width, "limit_gib": arguments.limit, "repeats": arguments.repeats, "losses": []}
    for batch in map(int, arguments.batches.split(",")):
        matrix = batch * 2 * batch  # of NT-Xent for the anchors of a view; in blocks by default where it is too large
        in_blocks = min(MOST_SIMILARITIES, matrix // 4)
        what = {"kind": "losses", "batch": batch, "width": arguments.width, "times": 3 if batch <= 4096 else 1}
        whole, blocks = ({**what, "most_similarities": most} for most in (matrix, in_blocks))
        found = compare(arguments.limit, arguments.repeats, whole, blocks, ("plain", "blockwise"))
        by_default = "blockwise" if matrix > MOST_SIMILARITIES else "plain"
        numbers["losses"].append({"batch": batch, "most_similarities": in_blocks, "by_default": by_default, **found})
    what = {"kind": "step", "batch": arguments.step_batch, "times": 2}
    one, several = ({**what, "micro_batches": k} for k in (1, arguments.micro_batches))
    found = compare(arguments.limit, arguments.repeats, one, several, ("whole", "micro_batches"))
    about = {"peers": PEERS, "batch": arguments.step_batch, "parts": arguments.micro_batches}
    numbers["step"] = {**about, **found}
    if arguments.out:
        record(arguments.out, numbers)


if __name__ == "__main__":
    main()
