"""A run that begins as a branch of another one, the trunk, at one of its checkpoints: for its own cool-down."""

import json
import shutil

from dogo_tf.errors import InputError
from dogo_tf.optimizers.schedules import cooldown_steps
from dogo_tf.platform.files import temporary_sibling, write_atomically
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.runs.earlier import settings_differences
from dogo_tf.runs.folder import RunFolder

# What a branch may have otherwise than its trunk.
OWN = ("epochs", "schedule", "cooldown", "cooldown_from")


def branch_off(settings: PretrainSettings, folder: RunFolder, resume: bool, overwrite: bool) -> tuple[bool, bool]:
    """Fills the run folder with the trunk's state at that step, unless it is resumed and has a checkpoint already.

    Returns:
        `resume` and `overwrite` as they are to be from now on: the run goes on from what is there.
    Raises:
        InputError: no such run or checkpoint, other settings than the trunk's but those in OWN, or a step at which the two
            schedules differ.
    """
    if resume and any(folder.checkpoints.glob("step_*")):
        return resume, overwrite
    trunk, config, step = trunk_of(settings)
    before, now = (dict(values) for values in (config["settings"], json.loads(json.dumps(settings.as_dict()))))
    for name in OWN:
        before.pop(name, None), now.pop(name, None)
    if differences := settings_differences(before, now):
        raise InputError(
            f"cooldown_from: {trunk.path} has other settings:\n"
            + "\n".join(differences)
            + f"\nGive them as the trunk has them; a branch may differ from it in {', '.join(OWN[:-1])}"
        )
    checkpoint = trunk.checkpoints / f"step_{step:09}"
    if not checkpoint.is_dir():
        kept = [
            str(int(path.name[5:])) for path in sorted(trunk.checkpoints.glob("step_*")) if path.name[5:].isdecimal()
        ]
        raise InputError(
            f"cooldown_from: {trunk.path} has no checkpoint of step {step}; it has: {', '.join(kept) or 'none'}. "
            "A trunk with --keep_checkpoints has those of all its --checkpoint_steps"
        )
    _check_rates(settings, config, step)
    if any(share < 1 for share in settings.train_share) and settings.epochs != config["settings"]["epochs"]:
        raise InputError(
            f"cooldown_from: a peer of {trunk.path} stops after a share of its {config['settings']['epochs']} epochs, so a "
            f"branch must have as many; got {settings.epochs}"
        )
    # A branch that was killed before it had a checkpoint begins anew.
    folder.start({**config, "settings": settings.as_dict()}, resume=False, overwrite=overwrite or resume)
    with folder.written("branch"):
        for source, lines in ((trunk.metrics, trunk.metrics_lines()), (trunk.probes, trunk.probe_lines())):
            if source.exists():
                kept = "".join(json.dumps(line) + "\n" for line in lines if line["step"] <= step)
                write_atomically(folder.path / source.name, kept.encode())
        copied = folder.checkpoints / checkpoint.name
        temporary = temporary_sibling(copied)
        shutil.copytree(checkpoint, temporary)
        temporary.rename(copied)
    return True, False


def trunk_of(settings: PretrainSettings) -> tuple[RunFolder, dict, int]:
    """The run that `cooldown_from` names, what its config.json holds, and the step.

    Raises:
        InputError: another form than run@step, or no such run.
    """
    place, _, number = settings.cooldown_from.rpartition("@")
    if not place or not number.isdecimal():
        raise InputError(
            f"cooldown_from: expected run_folder@step, e.g. runs/trunk@1560; got {settings.cooldown_from!r}"
        )
    trunk = RunFolder(place)
    try:
        return trunk, trunk.config(), int(number)
    except InputError as error:
        raise InputError(f"cooldown_from: {str(error).removeprefix('run_dir: ')}") from error


def _check_rates(settings: PretrainSettings, config: dict, step: int) -> None:
    """Until `step` the rate of the branch must have been that of the trunk."""
    steps_per_epoch = config["data"]["images"] // settings.batch_size
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    before = config["settings"]
    if before["schedule"] not in ("constant", "wsd") or step < warmup:
        raise InputError(
            f"cooldown_from: expected a step after the warm-up of {warmup} steps, at which the trunk's rate is constant; "
            f"got step {step} of a trunk with the schedule {before['schedule']!r}"
        )
    if before["schedule"] == "constant" and warmup == 0:
        raise InputError(
            "cooldown_from: expected a trunk with a warm-up, or with the schedule 'wsd': one with a constant rate alone keeps "
            "it in another way than a branch"
        )
    runs = [("the trunk's", before["epochs"], before.get("cooldown"))] if before["schedule"] == "wsd" else []
    for whose, epochs, cooldown in (*runs, ("the branch's", settings.epochs, settings.cooldown)):
        total = epochs * steps_per_epoch
        begin = total - cooldown_steps(total, cooldown)
        if step > begin:
            raise InputError(
                f"cooldown_from: step {step} lies behind step {begin}, where {whose} cool-down begins, the last "
                f"{cooldown:g} of {epochs} epochs; expected an earlier step, or more epochs"
            )
