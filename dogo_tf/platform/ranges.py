"""What every number that a user gives may be, by the name of its flag and setting: one table for all binaries and settings."""

import math
from typing import NamedTuple

from dogo_tf.errors import InputError

LARGEST_SEED = (
    2**31 - 1
)  # beside what is added to it for parts and repetitions, NumPy and TensorFlow take it everywhere


class Range(NamedTuple):
    """low..high, without `low` itself if it is `open`; whole numbers only, if `whole`. Never NaN or infinite."""

    low: float
    high: float = math.inf
    open: bool = False
    whole: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        if self.high == math.inf:
            return f"{kind} above {self.low:g}" if self.open else f"{kind} of at least {self.low:g}"
        if self.open:
            return f"{kind} above {self.low:g} and up to {self.high:.10g}"
        return f"{kind} from {self.low:g} to {self.high:.10g}"

    def holds(self, value) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        if self.whole and value != int(value):
            return False
        return (self.low < value if self.open else self.low <= value) and value <= self.high


_AT_LEAST_ONE = Range(1, whole=True)
_WIDTH = Range(1, 2**15, whole=True)  # of a layer; the widest published projectors have 8,192
RANGES = {
    "image_size": Range(8, 4096, whole=True),
    "store_size": Range(8, 4096, whole=True),
    "max_bad_images": Range(0, 1),
    "max_pixels": Range(1),
    "min_crop_area": Range(0, 1, open=True),
    "local_views": Range(0, 64, whole=True),
    "local_size": Range(4, 4096, whole=True),
    "local_crop_area": Range(0, 1, open=True),
    "jitter_strength": Range(0, 1.25),
    "distill_weight": Range(0),
    "distill_temperature": Range(0, open=True),
    "distill_warmup_epochs": Range(0),
    "ssl_weight": Range(0),
    "ema": Range(0, 0.999999, open=True),
    "epochs": _AT_LEAST_ONE,
    "batch_size": Range(2, whole=True),
    "learning_rate": Range(0, open=True),
    "label_weight": Range(0),
    "teach_weight": Range(0),
    "teach_temperature": Range(0, open=True),
    "steps": _AT_LEAST_ONE,
    "warmup_steps": Range(0, whole=True),
    "unlabelled_batch": _AT_LEAST_ONE,
    "weight_decay": Range(0),
    "warmup_epochs": Range(0),
    "cooldown": Range(0, 1, open=True),
    "train_every": _AT_LEAST_ONE,
    "train_share": Range(0, 1, open=True),
    "micro_batches": _AT_LEAST_ONE,
    # Progress, alarms and SIGTERM wait for the end of such a call.
    "steps_per_execution": Range(1, 1000, whole=True),
    "log_every": _AT_LEAST_ONE,
    "probe_every": Range(0, whole=True),
    "checkpoint_minutes": Range(0, open=True),
    "checkpoint_steps": _AT_LEAST_ONE,
    "seed": Range(0, LARGEST_SEED, whole=True),
    "head_start_epochs": _AT_LEAST_ONE,
    "peer_every": _AT_LEAST_ONE,
    "peer_share": Range(0, 1, open=True),
    "at_hand_weight": Range(0),
    "seeds": Range(1, 1000, whole=True),
    "fractions": Range(0, 1, open=True),
    "corruption_images": Range(2, whole=True),  # an interval over images takes two
    "draws": _AT_LEAST_ONE,
    "arena_kb": Range(1, 1e6, whole=True),
    "k": _AT_LEAST_ONE,
    "temperature": Range(1e-3, 1e3),
    "momentum": Range(0, 1),
    "queue_size": Range(1, 2**20, whole=True),
    "widths": _WIDTH,
    "projector_widths": _WIDTH,
    "predictor_width": _WIDTH,
    "off_diagonal": Range(0),
    "invariance": Range(0),
    "variance": Range(0),
    "covariance": Range(0),
    "fine_tune_epochs": _AT_LEAST_ONE,
    "inject_noise": Range(0, 0.8),
    "max_images": _AT_LEAST_ONE,
    "calibration_images": Range(100, 200, whole=True),
    "parity_images": _AT_LEAST_ONE,
    "budget": _AT_LEAST_ONE,
    "count": _AT_LEAST_ONE,
    "threads": Range(1, 1024, whole=True),
}


def check(name: str, value, prefix: str = "") -> None:
    """InputError unless the number, or every one of several, lies in the range of this name; None stands for "not given".

    prefix: before the name in the message, e.g. "--".
    """
    for one in value if isinstance(value, tuple | list) else (value,):
        if one is not None and not RANGES[name].holds(one):
            raise InputError(f"{prefix}{name}: expected {RANGES[name]}, got {one}")
