"""Peak memory of a pair's losses and their gradients at a large batch: NT-Xent of both peers and both divergences.

Each figure is the growth of a fresh process's peak resident memory while the losses are computed, after a warm-up at a small
batch that loads what TensorFlow loads once.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path


def growth(batch: int, width: int) -> float:
    """Megabytes (10**6 bytes)."""
    from dogo_tf.distill.similarity_kl import similarity_kl
    from dogo_tf.keras_compat import tf
    from dogo_tf.objectives.simclr import nt_xent

    @tf.function
    def gradients(views):
        with tf.GradientTape() as tape:
            tape.watch(views)
            a1, b1, a2, b2 = views
            loss = tf.add_n([tf.reduce_mean(nt_xent(a1, b1)), tf.reduce_mean(nt_xent(a2, b2))])
            loss += tf.reduce_mean(similarity_kl(a1, b1, a2, b2)) + tf.reduce_mean(similarity_kl(a2, b2, a1, b1))
        return tape.gradient(loss, views)

    def run(rows):
        views = [tf.random.stateless_normal([rows, width], [0, k]) for k in range(4)]
        return [float(tf.reduce_sum(gradient)) for gradient in gradients(views)]

    run(64)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(batch)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes; the largest growth is reported")
    parser.add_argument("--once", action="store_true", help="measure in this process and print the number alone")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    if arguments.once:
        print(growth(arguments.batch, arguments.width))
        return
    from dogo_tf.provenance import record

    command = [sys.executable, __file__, "--once", f"--batch={arguments.batch}", f"--width={arguments.width}"]
    runs = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        for _ in range(arguments.repeats)
    ]
    print(f"peak growth at B = {arguments.batch}, D = {arguments.width}: {max(runs):.0f} MB")
    if arguments.out:
        numbers = {"batch": arguments.batch, "width": arguments.width, "megabytes": max(runs), "all_runs": runs}
        record(arguments.out, numbers)


if __name__ == "__main__":
    main()
