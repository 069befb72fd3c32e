"""The optimisers of tensorflow-addons by name; the one place that imports it, and only when one of them is asked for."""

import inspect
import warnings

from dogo_tf.errors import InputError, unknown_name
from dogo_tf.optimizers.names import ADDONS_PREFIX
from dogo_tf.platform.keras_compat import keras

# Names of the variables that get neither decay nor adaptation from LAMB. On further replicas they have an ending.
BIASES_AND_BATCH_NORM = [r"(^|/)(bias|beta|gamma)(/replica_\d+)?(:\d+)?$"]


def build(name: str, learning_rate, weight_decay: float):
    """An optimiser of tensorflow-addons with its own defaults, e.g. "tfa:NovoGrad"; "lamb" is "tfa:LAMB".

    LAMB: large batches (You et al., 2020, algorithm 2), r = m / (sqrt(v) + epsilon) + weight_decay * w, w -= rate |w| / |r| r.

    Args:
        learning_rate: > 0, or a keras LearningRateSchedule. COCOB finds its own and ignores it; for ConditionalGradient it is
            the share of a weight that stays in each step, and no schedule.
        weight_decay: >= 0. Goes where the class takes it: `weight_decay`, or the L2 penalty of the proximal step (Yogi,
            ProximalAdagrad). Multiplied by the learning rate everywhere, also for AdamW and SGDW, whose own argument is not.
            Only LAMB leaves biases and batch-norm weights out.
    Raises:
        InputError: tensorflow-addons is not installed or has no such optimiser, or the optimiser cannot be used with these
            settings or by its name.
    """
    module = import_quietly(name)
    classes = {ADDONS_PREFIX + key: value for key, value in vars(module).items() if _is_optimizer(value)}
    usable = [key for key, value in classes.items() if not _wraps(value)]
    full_name = "tfa:LAMB" if name == "lamb" else name
    if full_name not in classes:
        raise unknown_name("optimizer", name, usable)
    made_of = classes[full_name]
    if full_name not in usable:
        raise InputError(
            f"optimizer: {name} wraps other optimizers, which a name cannot tell; in Python, give DoGo.compile one that you "
            f"have made, or use one of {', '.join(sorted(usable))}"
        )
    arguments = {}
    if "learning_rate" in _parameters(made_of):
        _check_rate(name, made_of.__name__, learning_rate)
        arguments["learning_rate"] = learning_rate
    decay_argument = _decay_argument(made_of)
    if decay_argument:
        arguments[decay_argument] = weight_decay
    elif weight_decay:
        takers = ", ".join(sorted(key for key in usable if _decay_argument(classes[key])))
        raise InputError(
            f"weight_decay: expected 0, as {name} has none; got {weight_decay}. With weight decay: {takers}"
        )
    if issubclass(made_of, module.DecoupledWeightDecayExtension):
        # Without exclusions: under a MirroredStrategy its own would exclude every variable.
        arguments["weight_decay"] = _times(weight_decay, learning_rate)
    elif made_of is module.LAMB:
        arguments["exclude_from_weight_decay"] = BIASES_AND_BATCH_NORM
    return made_of(**arguments)


def _check_rate(name: str, made_of: str, rate) -> None:
    if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        return
    if made_of == "ConditionalGradient":
        raise InputError(
            f"learning_rate: {name} takes a number only (the share of a weight that stays, near 1) and no schedule; "
            "use schedule 'constant' and warmup_epochs 0"
        )
    if made_of == "ProximalAdagrad" and not rate(0) > 0:
        raise InputError(
            f"learning_rate: {name} needs one above 0 in every step, also in the first; use warmup_epochs 0"
        )


def import_quietly(name: str):
    """The module tensorflow_addons.optimizers, without the notices of its end of life."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", r"\s*TensorFlow Addons \(TFA\) has ended development", UserWarning)
            from tensorflow_addons import optimizers
    except ImportError as error:
        raise InputError(
            f"optimizer: {name} needs tensorflow-addons; install with pip install 'dogo-tf[addons]' "
            "(Python 3.10 or 3.11, TensorFlow 2.15.1)"
        ) from error
    return optimizers


def _is_optimizer(value) -> bool:
    base = keras.optimizers.legacy.Optimizer
    return inspect.isclass(value) and issubclass(value, base) and value is not base


def _parameters(made_of) -> set[str]:
    return set(inspect.signature(made_of).parameters)


def _wraps(made_of) -> bool:
    return bool(_parameters(made_of) & {"optimizer", "optimizers_and_layers"})


def _decay_argument(made_of) -> str | None:
    return next((a for a in ("weight_decay", "l2_regularization_strength") if a in _parameters(made_of)), None)


def _times(factor: float, rate):
    is_schedule = isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)
    return ScaledSchedule(rate, factor) if is_schedule else factor * rate


@keras.utils.register_keras_serializable("dogo_tf")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule times a factor: a weight decay that follows the learning rate."""

    def __init__(self, schedule, factor: float):
        self.schedule = schedule
        self.factor = factor

    def __call__(self, step):
        return self.factor * self.schedule(step)

    def get_config(self):
        return {"schedule": keras.optimizers.schedules.serialize(self.schedule), "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        return cls(keras.optimizers.schedules.deserialize(config["schedule"]), config["factor"])
