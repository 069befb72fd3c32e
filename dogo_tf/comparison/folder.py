"""The folder of a comparison, and what it says of itself in comparison.json.

comparison.json                 what is compared; another comparison is refused here
runs/<arm>_seed<seed>/          the run folder of each training
scores/<arm>_seed<seed>.npz     the scores of every study, and .json: what the training cost
scores/labels_seed<seed>.npz    which labels each study was given
features/                       cached features
"""

import json
from pathlib import Path

from dogo_tf.comparison.settings import CONFIG, USED_BY, ComparisonSettings
from dogo_tf.data.choose import STORE_RATIO
from dogo_tf.errors import InputError
from dogo_tf.optimizers.rates import AUTO
from dogo_tf.platform.files import remove, write_atomically
from dogo_tf.pretraining import precision
from dogo_tf.pretraining.at_hand import check_at_hand
from dogo_tf.pretraining.settings import PretrainSettings
from dogo_tf.reporting.provenance import provenance
from dogo_tf.runs import records
from dogo_tf.runs.earlier import settings_differences
from dogo_tf.runs.folder import CONFIG as RUN_CONFIG
from dogo_tf.runs.folder import RunFolder


def described(path: Path, settings: ComparisonSettings, overwrite: bool) -> dict:
    """What comparison.json is to say: of the comparison that is there, else of a new one. Writes nothing, but makes the folder.

    Raises:
        InputError: see Comparison.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"out: {path} is a file; expected a folder")
    if path.is_dir() and any(path.iterdir()):
        if not (path / CONFIG).is_file():
            raise InputError(f"out: {path} holds files but no comparison ({CONFIG}); choose another folder")
        if not overwrite:
            return _of_earlier_call(path, settings)
    pair = settings.pair
    check_at_hand(pair.optimizer, teachers=pair.teachers, init=pair.init)  # before images are read
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out: cannot write to {path}: {error.strerror}") from error
    return {"settings": settings.as_dict(), "store_ratio": STORE_RATIO, "provenance": provenance()}


def keep(path: Path, content: dict, overwrite: bool) -> None:
    """Writes comparison.json; with `overwrite` an earlier comparison goes first."""
    try:
        # comparison.json last: without it an overwrite that is cut off could not be repeated.
        for entry in sorted(path.iterdir(), key=lambda entry: entry.name == CONFIG) if overwrite else ():
            remove(entry)
        write_atomically(path / CONFIG, (json.dumps(content, indent=1) + "\n").encode())
    except OSError as error:
        raise InputError(f"out: cannot write to {path}: {error.strerror}") from error


# Where things lie, which may be called otherwise from elsewhere, and what a finished run was read with.
_PLACES = ("run_dir", "teachers", "init", "dataset", "data_dir", "cache_dir", "source", "store_size")


def check_trained_alike(run: RunFolder, training: PretrainSettings) -> None:
    """InputError if a finished run had other settings than it would have now: earlier versions trained some arms otherwise."""
    before, now = (
        {name: value for name, value in settings.items() if name not in _PLACES}
        for settings in (run.config()["settings"], training.as_dict())
    )
    if differences := settings_differences(before, now):
        raise InputError(
            f"out: {run.path} was trained with other settings, by an earlier version of dogo_tf; choose another folder, or "
            "leave out that arm:\n" + "\n".join(differences)
        )


def _of_earlier_call(path: Path, settings: ComparisonSettings) -> dict:
    """What it says, with the settings of the arms that are new."""
    try:
        kept = records.read_json(path / CONFIG, records.COMPARISON)
    except records.Damaged as error:
        raise InputError(f"out: {path / CONFIG} is damaged: {error}") from error
    now = settings.as_dict()
    # An arm that comes later brings its own settings with it, and one that is not asked for again leaves them.
    # Folders of before the scheme of at_hand could be chosen do not name it.
    old = {"at_hand_scheme": None, "at_hand_weight": None} if "teachers" in kept["settings"] else {}
    before = {**{name: now[name] for name in USED_BY if name in now}, **old, **kept["settings"]}
    if "alone_rates" not in before:
        before["alone_rates"] = _rates_alone_of(path, before, now["alone_rates"])
    now |= {name: before[name] for name in USED_BY if name in before and name not in now}
    if now["precision"] == precision.AUTO:
        now["precision"] = before.get("precision")
    if differences := settings_differences(before, now):
        raise InputError(
            f"out: {path} holds a comparison with other settings; give those of before, choose another folder, or delete it "
            "with --overwrite:\n" + "\n".join(differences) + _how_to_train_alone(before, now)
        )
    return {**kept, "settings": before}


def _rates_alone_of(path: Path, before: dict, now: list[float]) -> list[float]:
    """Of a folder that does not name them: what fits to its trainings alone, which may have had the pair's rates or others."""
    found = {}
    for peer, arms in enumerate(("solo*", "big_*")):
        for config in sorted((path / "runs").glob(f"{arms}_seed*/{RUN_CONFIG}"))[:1]:
            found[peer] = RunFolder(config.parent).config()["settings"].get("learning_rate", [None])[0]
    if all(now[peer] == rate for peer, rate in found.items()):
        return now
    return [found.get(peer, rate) for peer, rate in enumerate(_of_both(before.get("learning_rate", now)))]


def _how_to_train_alone(before: dict, now: dict) -> str:
    """What gives the rates alone of before, which no flag has by this name."""
    if (alone := before["alone_rates"]) == now["alone_rates"]:
        return ""
    beside = before.get("learning_rate", alone)
    asked = ",".join(map(str, beside)) if _of_both(beside) == alone else AUTO
    return (
        f"\nalone_rates are those of both peers where each trains alone: --learning_rate={asked} gives those of before"
    )


def _of_both(rates: list[float]) -> list[float]:
    return rates * 2 if len(rates) == 1 else rates
