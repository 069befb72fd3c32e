"""The settings of a finished or unfinished run, read from its folder."""

from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.runs.folder import RunFolder


def settings_of(run: RunFolder) -> PretrainSettings:
    kept = run.config()["settings"]
    return PretrainSettings(run_dir="", **{n: tuple(v) if isinstance(v, list) else v for n, v in kept.items()})
