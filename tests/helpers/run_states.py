"""What the end state of a training run is, for tests that compare two of them."""

import math

import numpy as np
from kills import state
from PIL import Image

from dogo_tf.platform.keras_compat import tf
from dogo_tf.pretraining.settings import PretrainSettings

TIMINGS = ("images_per_second", "host_ms_per_step", "checkpoint_seconds")


def make_pictures(path, count=50, size=16):
    rng = np.random.default_rng(0)
    for i in range(count):
        Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)).save(path / f"{i}.png")
    return path


def small_run(pictures, run_dir, **changes) -> PretrainSettings:
    """Settings of a run of two small peers on pictures, a few steps an epoch."""
    values = {
        "dataset": str(pictures),
        "run_dir": str(run_dir),
        "peers": ("small_conv:simclr", "small_conv:simclr"),
        "batch_size": 16,
        "learning_rate": (1e-3,),
    }
    return PretrainSettings(**{**values, **changes})


def assert_same_state(ours, theirs) -> None:
    """Bit by bit."""
    ours, theirs = state(ours), state(theirs)
    assert ours.keys() == theirs.keys() and len(ours) > 50
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


def log(folder) -> list[dict]:
    """The lines of metrics.jsonl without what the clock says."""
    return [{k: v for k, v in line.items() if k not in TIMINGS} for line in folder.metrics_lines()]


def tensorboard(folder) -> list[tuple[int, str, float]]:
    """(step, tag, value) of every scalar in the event files, sorted."""
    scalars = []
    for path in sorted(folder.tensorboard.glob("events*")):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                if value.tag != "views" and value.tag.rpartition("/")[2] not in TIMINGS:
                    scalars.append((event.step, value.tag, float(tf.make_ndarray(value.tensor))))
    assert all(math.isfinite(value) for _, _, value in scalars)
    return sorted(scalars)
