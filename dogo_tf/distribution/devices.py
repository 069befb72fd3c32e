"""Devices by name: one, all of this machine, the workers of a job, a TPU."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dogo_tf.errors import InputError, Interrupted, unknown_name
from dogo_tf.platform.keras_compat import tf

STRATEGIES = ("auto", "none", "mirrored", "multi_worker", "tpu")


def strategy(name: str, tpu: str = "") -> tf.distribute.Strategy:
    """Must come before any other TensorFlow work: workers and TPUs can only be connected at the start of a process.

    Args:
        name: "auto": all GPUs of this machine if there are several, else one device. "none": one device. "mirrored": all GPUs
            of this machine, or without any, all logical CPU devices. "multi_worker": all GPUs (or the CPU) of every worker
            in the environment variable TF_CONFIG. "tpu": all cores of a TPU.
        tpu: the TPU's name or address; "" or "local" for the one of this machine.
    Raises:
        InputError: an unknown name; no TF_CONFIG; no TPU.
    """
    if name not in STRATEGIES:
        raise unknown_name("strategy", name, STRATEGIES)
    if name == "multi_worker":
        _check_cluster()
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        return _tpu(tpu)
    gpus = tf.config.list_logical_devices("GPU") if name != "none" else []
    if len(gpus) > 1 or (gpus and name == "mirrored"):
        return tf.distribute.MirroredStrategy([gpu.name for gpu in gpus])
    if name == "mirrored":
        cpus = [cpu.name for cpu in tf.config.list_logical_devices("CPU")]
        # TensorFlow's default on CPUs allows one number of replicas per process.
        return tf.distribute.MirroredStrategy(cpus, cross_device_ops=tf.distribute.ReductionToOneDevice())
    return tf.distribute.get_strategy()


def _check_cluster() -> None:
    example = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        workers, task = config["cluster"]["worker"], config["task"]
        complete = isinstance(workers, list) and workers and {"type", "index"} <= set(task)
    except (KeyError, TypeError, ValueError):
        complete = False
    if not complete:
        raise InputError(
            f"strategy multi_worker: expected the environment variable TF_CONFIG, the same for all workers but for the index, "
            f"e.g. {example}; got {os.environ.get('TF_CONFIG', 'none')!r}"
        )


def _tpu(name: str) -> tf.distribute.Strategy:
    """As TensorFlow's guide "Use TPUs" has it; "local" is how it calls a TPU VM's own."""
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name or "local")
        if resolver.get_master() not in ("", "local"):
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise InputError(f"strategy tpu: no TPU {name or 'on this machine'}: {str(error).splitlines()[0]}") from error
    return tf.distribute.TPUStrategy(resolver)


def check_batch_size(batch_size: int, replicas: int, micro_batches: int = 1) -> None:
    """InputError unless every replica gets as many images, and every one of its micro-batches as many of these."""
    if batch_size % replicas:
        below = batch_size // replicas * replicas
        options = f"{below} or {below + replicas}" if below else replicas
        raise InputError(f"batch_size: {batch_size} does not divide over {replicas} replicas; use {options}")
    if batch_size // replicas % micro_batches:
        raise InputError(
            f"micro_batches: expected a number that divides the {batch_size // replicas} images of a replica's batch, "
            f"got {micro_batches}"
        )


def described(strategy: tf.distribute.Strategy) -> str:
    """What computes, in words: "2 CPU cores", "1 GPU", "8 TPU cores"."""
    replicas = strategy.num_replicas_in_sync
    if isinstance(strategy, tf.distribute.TPUStrategy):
        return f"{replicas} TPU cores"
    if gpus := tf.config.list_logical_devices("GPU"):
        return f"{min(replicas, len(gpus)) if replicas > 1 else 1} GPU{'s' if replicas > 1 else ''}"
    cores = f"{os.cpu_count()} CPU cores"
    return cores if replicas == 1 else f"{replicas} replicas on {cores}"


class Job:
    """The processes that train together: one, or the workers of a MultiWorkerMirroredStrategy.

    Attributes:
        is_chief: whether this process writes the run folder.
        workers: their number.
    """

    def __init__(self, strategy: tf.distribute.Strategy):
        self.strategy = strategy
        resolver = getattr(strategy, "cluster_resolver", None)
        self.workers = 1
        self.is_chief = True
        if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy) and resolver.cluster_spec():
            spec = resolver.cluster_spec()
            self.workers = spec.num_tasks("worker") + ("chief" in spec.jobs)
            self.is_chief = resolver.task_type == "chief" or ("chief" not in spec.jobs and resolver.task_id == 0)
        self._sum = tf.function(self._sum_over_replicas, autograph=False)

    def any(self, flags: list[bool]) -> list[bool]:
        """Each flag: whether it is set in any of the processes. All of them must call this at the same step."""
        if self.workers == 1:
            return list(flags)
        return [bool(total) for total in self._sum(np.array(flags, np.int64)).numpy()]

    def check_same(self, what: str, number: int, advice: str) -> None:
        """Waits for all processes. InputError if their numbers differ."""
        if self.workers == 1:
            return
        total, squares = self._sum(np.array([number, number**2], np.int64)).numpy().tolist()
        replicas = self.strategy.num_replicas_in_sync
        if replicas * squares != total**2:
            raise InputError(f"{what}: {number} here, {total / replicas:g} on average over all workers; {advice}")

    @contextlib.contextmanager
    def folder_to_write(self, path: Path) -> Iterator[Path]:
        """`path` itself for the chief; the others, which must save with it, write to a temporary folder."""
        if self.is_chief:
            yield path
        else:
            with tempfile.TemporaryDirectory(prefix="dogo_worker_") as temporary:
                yield Path(temporary)

    @contextlib.contextmanager
    def losses_named(self) -> Iterator[None]:
        """The end of another worker is told as Interrupted."""
        try:
            yield
        except _lost_errors() as error:
            if self.workers == 1:
                raise
            raise Interrupted(
                f"another of the {self.workers} workers ended or cannot be reached ({type(error).__name__}: "
                f"{str(error).splitlines()[0][:200]}). This one cannot go on alone: start all of them again with --resume"
            ) from error

    def _sum_over_replicas(self, values):
        def of_replica(values):
            values = tf.identity(
                values
            )  # on the replica's device: all_reduce sends its result to where its argument is
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)

        return self.strategy.experimental_local_results(self.strategy.run(of_replica, args=(values,)))[0]


def _lost_errors() -> tuple[type[Exception], ...]:
    """What the others see of a worker that ended or does not answer."""
    names = ("Unavailable", "Aborted", "Cancelled", "Internal", "DeadlineExceeded", "Unknown")
    return tuple(getattr(tf.errors, f"{name}Error") for name in names)
