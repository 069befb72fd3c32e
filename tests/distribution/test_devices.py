"""Strategies by name, without the hardware: what is asked of TensorFlow, in which order, and what a mistake is told."""

import json

import pytest

from dogo_tf.distribution import devices
from dogo_tf.errors import InputError, Interrupted
from dogo_tf.experiments import pretrain
from dogo_tf.platform.keras_compat import tf


@pytest.mark.parametrize("name", ["auto", "none"])
def test_a_machine_without_gpus_trains_on_one_device(name):
    assert devices.strategy(name) is tf.distribute.get_strategy()


def test_mirrored_takes_every_cpu_device_where_there_are_no_gpus():
    strategy = devices.strategy("mirrored")
    assert strategy.num_replicas_in_sync == len(tf.config.list_logical_devices("CPU"))


def test_auto_takes_several_gpus(monkeypatch):
    taken = []
    gpus = [tf.config.LogicalDevice(f"/device:GPU:{k}", "GPU") for k in range(2)]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.distribute, "MirroredStrategy", lambda names: taken.append(names))
    devices.strategy("auto")
    devices.strategy("mirrored")
    assert taken == [["/device:GPU:0", "/device:GPU:1"]] * 2
    assert devices.strategy("none") is tf.distribute.get_strategy()
    gpus.pop()
    assert devices.strategy("auto") is tf.distribute.get_strategy()


@pytest.mark.parametrize(
    "config", [None, "{", "[]", '{"cluster": {"worker": []}}', '{"cluster": {"worker": ["a:1"]}, "task": {"index": 0}}']
)
def test_multi_worker_needs_the_cluster(monkeypatch, config):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(
        InputError, match="strategy multi_worker: expected the environment variable TF_CONFIG, .*; got "
    ):
        devices.strategy("multi_worker")


class Resolver:
    def __init__(self, calls, master):
        self.calls, self.master = calls, master

    def __call__(self, tpu):
        self.calls.append(f"resolve {tpu}")
        return self

    def get_master(self):
        return self.master


@pytest.fixture
def tpu(monkeypatch):
    """TensorFlow's calls for a TPU, recorded."""
    calls = []

    def replace(master):
        resolver = Resolver(calls, master)
        monkeypatch.setattr(tf.distribute.cluster_resolver, "TPUClusterResolver", resolver)
        monkeypatch.setattr(tf.config, "experimental_connect_to_cluster", lambda r: calls.append(f"connect {r.master}"))
        monkeypatch.setattr(tf.tpu.experimental, "initialize_tpu_system", lambda r: calls.append("initialize"))
        monkeypatch.setattr(tf.distribute, "TPUStrategy", lambda r: calls.append("strategy") or "the TPU")
        return calls

    return replace


def test_a_tpu_vm_is_initialised_and_used(tpu):
    calls = tpu(master="")
    assert devices.strategy("tpu") == "the TPU"
    assert calls == ["resolve local", "initialize", "strategy"]


def test_a_tpu_elsewhere_is_connected_first(tpu):
    calls = tpu(master="grpc://10.0.0.2:8470")
    assert devices.strategy("tpu", "my-tpu") == "the TPU"
    assert calls == ["resolve my-tpu", "connect grpc://10.0.0.2:8470", "initialize", "strategy"]


def test_no_tpu_is_said(tpu, monkeypatch):
    tpu(master="")

    def fail(resolver):
        raise tf.errors.NotFoundError(None, None, "TPUs not found in the cluster.\nmore")

    monkeypatch.setattr(tf.tpu.experimental, "initialize_tpu_system", fail)
    with pytest.raises(InputError, match="^strategy tpu: no TPU on this machine: TPUs not found in the cluster.$"):
        devices.strategy("tpu")


def test_the_binary_starts_the_tpu_before_anything_else(tpu, monkeypatch, tmp_path, capsys):
    calls = tpu(master="")
    monkeypatch.setattr(tf.distribute, "TPUStrategy", lambda r: tf.distribute.OneDeviceStrategy("CPU:0"))
    flags = ["--strategy=tpu", "--precision=mixed_bfloat16", "--steps_per_execution=50"]
    missing = [f"--dataset={tmp_path / 'missing'}", f"--run_dir={tmp_path / 'run'}"]
    assert pretrain.run(["dogo-pretrain", *flags, *missing]) == 2
    assert calls == ["resolve local", "initialize"]
    assert "does not exist" in capsys.readouterr().err
    assert pretrain.run(["dogo-pretrain", "--strategy=tpu", "--precision=mixed_float16", *missing]) == 2
    assert "precision: a TPU computes in bfloat16; expected float32 or mixed_bfloat16" in capsys.readouterr().err


def test_the_batch_must_divide_over_the_replicas():
    devices.check_batch_size(16, 4)
    with pytest.raises(InputError, match="batch_size: 18 does not divide over 4 replicas; use 16 or 20"):
        devices.check_batch_size(18, 4)
    with pytest.raises(InputError, match="batch_size: 3 does not divide over 4 replicas; use 4"):
        devices.check_batch_size(3, 4)
    devices.check_batch_size(16, 4, micro_batches=2)
    with pytest.raises(InputError, match="divides the 4 images of a replica's batch, got 8"):
        devices.check_batch_size(16, 4, micro_batches=8)


def test_a_job_of_one_process_decides_alone():
    job = devices.Job(tf.distribute.get_strategy())
    assert job.is_chief and job.workers == 1 and job.any([True, False]) == [True, False]
    job.check_same("steps", 3, "")
    with pytest.raises(tf.errors.UnavailableError), job.losses_named():
        raise tf.errors.UnavailableError(None, None, "a real error")


def test_the_loss_of_a_worker_is_named(tmp_path):
    job = devices.Job(tf.distribute.get_strategy())
    job.workers, job.is_chief = 2, False
    with (
        pytest.raises(
            Interrupted, match="another of the 2 workers ended or cannot be reached .Unav.*start all of"
        ) as e,
        job.losses_named(),
    ):
        raise tf.errors.UnavailableError(None, None, "Connection reset by peer")
    assert not e.value.by_user
    with job.folder_to_write(tmp_path) as path:
        assert path != tmp_path and path.is_dir()
    assert not path.exists()


def test_a_complete_cluster_is_accepted(monkeypatch):
    made = []
    config = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: made.append(1) or "the workers")
    assert devices.strategy("multi_worker") == "the workers" and made
