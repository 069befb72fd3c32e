"""Flags of every binary that trains: on which devices, what it logs and saves, how it goes on."""

from collections.abc import Callable

from absl import flags

from dogo_tf.distribution.devices import STRATEGIES


def device_flags(define: Callable) -> None:
    """define: (function of absl's flags, name, text) -> None, which knows the default."""
    define(
        flags.DEFINE_string,
        "strategy",
        f"Devices: {', '.join(STRATEGIES)}. auto takes all GPUs of this machine, else one device; multi_worker reads "
        "TF_CONFIG.",
    )
    define(
        flags.DEFINE_string, "tpu", "Name or address of the TPU for --strategy=tpu; this machine's own if not given."
    )
    define(
        flags.DEFINE_bool,
        "sync_batch_norm",
        "With several replicas, take the statistics of batch normalisation over all of them, as one device would.",
    )
    define(
        flags.DEFINE_integer,
        "steps_per_execution",
        "Steps per call into TensorFlow; 10 helps where a step takes few ms.",
    )


def saving_flags(define: Callable, flag_values: flags.FlagValues) -> None:
    """define: as of device_flags. flag_values: where --resume and --overwrite go, which are no settings."""
    define(flags.DEFINE_integer, "log_every", "Steps between lines of metrics.jsonl and TensorBoard.")
    define(
        flags.DEFINE_float,
        "checkpoint_minutes",
        "Minutes between checkpoints; there is also one at the end, and one when the run is asked to stop.",
    )
    define(flags.DEFINE_integer, "checkpoint_steps", "Also a checkpoint every so many steps.")
    flags.DEFINE_bool(
        "resume", False, "Go on from the newest checkpoint in run_dir, with the same settings.", flag_values=flag_values
    )
    flags.DEFINE_bool("overwrite", False, "Replace the run that is in run_dir.", flag_values=flag_values)
