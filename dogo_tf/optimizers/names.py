"""The names of optimisers and schedules, which can be checked before TensorFlow is loaded."""

from dogo_tf.errors import unknown_name

OPTIMIZERS = ("adam", "adamw", "sgd", "lars")
SCHEDULES = ("constant", "cosine", "wsd")
ADDONS_PREFIX = "tfa:"


def is_of_addons(name: str) -> bool:
    """Whether this optimiser is one of tensorflow-addons: "lamb", or "tfa:" and the name of a class."""
    return name == "lamb" or name.startswith(ADDONS_PREFIX)


def check_optimizer(name: str) -> None:
    """InputError for a name that is neither ours nor looks like one of tensorflow-addons."""
    if name not in OPTIMIZERS and not is_of_addons(name):
        raise unknown_name("optimizer", name, [*OPTIMIZERS, "lamb", f"{ADDONS_PREFIX}<Name>"])


def check_schedule(name: str) -> None:
    if name not in SCHEDULES:
        raise unknown_name("schedule", name, SCHEDULES)
