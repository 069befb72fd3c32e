"""A program: dogo-pretrain, or the binary in $BINARY, that dies at a chosen point, as `python killed_run.py POINT FLAGS...`.

POINT is one of
    step:N          after the training step N, before anything is saved
    freeze:N        the same, but stopped by SIGSTOP
    term:N          the same, but asked to stop by SIGTERM
    encoders:N      between two encoders of the N-th save
    write:N         in the middle of the N-th checkpoint's data file
    unverified:N    when the N-th checkpoint has its name, before it was read back and older ones were removed
    none            never: the parent does it

With LOGICAL_CPUS=2 in the environment, --strategy=mirrored has two replicas.
"""

import importlib
import os
import signal
import sys

import dogo_tf.runs.checkpoint
from dogo_tf.platform.keras_compat import tf
from dogo_tf.runs.folder import RunFolder
from dogo_tf.training.callbacks import Checkpoints


def die(number=signal.SIGKILL):
    os.kill(os.getpid(), number)


def patched(owner, name, before_or_after):
    """`owner.name` with a call before (returning None) or after it, which gets the number of the call and its arguments."""
    original, calls = getattr(owner, name), []

    def replacement(*args, **kwargs):
        calls.append(None)
        return before_or_after(original, len(calls), *args, **kwargs)

    setattr(owner, name, replacement)


def prepare(point: str) -> None:
    kind, _, number = point.partition(":")
    at = int(number or 0)

    signals = {"step": signal.SIGKILL, "freeze": signal.SIGSTOP, "term": signal.SIGTERM}

    def step(original, count, self, step, *args):
        if step == at:
            die(signals[kind])
        return original(self, step, *args)

    def encoder(original, count, self, peer):
        if count == 2 * at:  # each peer's encoder asks once
            die()
        return original(self, peer)

    def write(original, count, self, path):
        original(self, path)
        if count == at:
            data = f"{path}.data-00000-of-00001"
            os.truncate(data, os.path.getsize(data) // 2)
            os.remove(f"{path}.index")
            die()

    def verify(original, count, path):
        return die() if count == at else original(path)

    if kind in signals:
        patched(Checkpoints, "on_step", step)
    elif kind == "encoders":
        patched(RunFolder, "_encoder", encoder)
    elif kind == "write":
        patched(tf.train.Checkpoint, "write", write)
    elif kind == "unverified":
        patched(dogo_tf.runs.checkpoint, "damage", verify)
    elif kind != "none":
        raise ValueError(f"unknown point {point!r}")


if __name__ == "__main__":
    if "LOGICAL_CPUS" in os.environ:
        devices = [tf.config.LogicalDeviceConfiguration()] * int(os.environ["LOGICAL_CPUS"])
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    prepare(sys.argv[1])
    binary = os.environ.get("BINARY", "pretrain")
    sys.exit(importlib.import_module(f"dogo_tf.experiments.{binary}").run([f"dogo-{binary}", *sys.argv[2:]]))
