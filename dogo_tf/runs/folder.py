"""The folder of a run, a pre-training or a fine-tuning: what it was asked to do, what it logged, and what came out."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

from dogo_tf.encoders._keras_file import load_keras_file
from dogo_tf.encoders._precision import as_float32
from dogo_tf.errors import InputError
from dogo_tf.platform.files import LOCK, expanded, is_temporary, reason, remove, temporary_sibling, write_atomically
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.runs import event_files, records
from dogo_tf.runs.earlier import settings_differences

CONFIG = "config.json"
LONGEST_NAME = 200  # of a peer, in bytes: file systems end at 255, with what is put around it
KEPT = (LOCK, "features")  # features are named by what they were computed of, so none can be of another run


class RunFolder:
    """Paths and files of a run:

    config.json        settings, data set statistics, provenance      flags.txt  the same as a --flagfile
    metrics.jsonl      one line per logged step                       tensorboard/
    views.png          the four views of a few images at step 0       checkpoints/
    probes.jsonl       accuracies of each peer during training, if asked for
    encoders/<peer>.keras   each peer's encoder in float32, pixel values 0..255 -> h; of a fine-tuning, its classifier
    features/          what dogo-probe computed with them; may be deleted
    """

    def __init__(self, path):
        self.path = expanded(path)
        self.checkpoints = self.path / "checkpoints"
        self.metrics = self.path / "metrics.jsonl"
        self.probes = self.path / "probes.jsonl"
        self.tensorboard = self.path / "tensorboard"
        self.views = self.path / "views.png"
        self.features = self.path / "features"
        self.flags = self.path / "flags.txt"

    def check(self, resume: bool, overwrite: bool) -> None:
        """Raises InputError unless a run can start here; touches nothing.

        The folder must be new or empty, or hold a run that is to be continued (`resume`) or replaced (`overwrite`).
        """
        if resume and overwrite:
            raise InputError("resume and overwrite exclude each other: continue the run, or delete it and start anew?")
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"run_dir: {self.path} is a file; expected a folder")
        if resume:
            self.config()
        elif self.path.is_dir() and any(entry.name not in KEPT for entry in self.path.iterdir()):
            if not overwrite:
                raise InputError(
                    f"run_dir: {self.path} is not empty; continue its run with --resume, replace it with --overwrite, "
                    "or choose another folder"
                )
            if not (self.path / CONFIG).is_file():
                raise InputError(f"run_dir: {self.path} holds files but no run ({CONFIG}); it is not deleted")

    def start(self, config: dict, resume: bool, overwrite: bool) -> None:
        """Makes the folder ready for a run with this configuration, after `check`.

        Raises:
            InputError: as `check`; a run to be resumed has other settings or data (each difference is named); no permission.
        """
        self.check(resume, overwrite)
        with self.written("folder"):
            if resume:
                _refuse_differences("settings", self.config()["settings"], config["settings"])
                _refuse_differences("teachers", *(c.get("teachers", {}) for c in (self.config(), config)))
                before, now = self.config()["data"], json.loads(json.dumps(config))["data"]
                _refuse_differences("data", _fixed_data(before), _fixed_data(now))
                if before.get("digest", now["digest"]) != now["digest"]:  # runs of before there was one have none
                    raise InputError(
                        "resume: the run in this folder has other data: the images are not the same, or come in another order"
                    )
                return
            self.path.mkdir(parents=True, exist_ok=True)
            # config.json last: without it an overwrite that is cut off could not be repeated.
            for entry in sorted(self.path.iterdir(), key=lambda entry: entry.name == CONFIG):
                if entry.name in KEPT:
                    continue
                remove(entry)
            write_atomically(self.path / CONFIG, (json.dumps(config, indent=1) + "\n").encode())

    @contextlib.contextmanager
    def written(self, what: str):
        """Around writing into the folder: a full disk or a folder that may not be written to is an InputError."""
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            raise InputError(
                f"run_dir: cannot write the {what} in {self.path}: {reason(error)}. What was written before is kept; "
                "make room or repair the disk, then go on with --resume"
            ) from error

    def config(self) -> dict:
        """The contents of config.json. Raises InputError if the folder holds no run."""
        try:
            return records.read_json(self.path / CONFIG, records.CONFIG)
        except OSError as error:
            raise InputError(
                f"run_dir: {self.path} holds no run: {CONFIG} cannot be read ({error.strerror})"
            ) from error
        except records.Damaged as error:
            raise InputError(f"run_dir: {self.path / CONFIG} is damaged: {error}") from error

    def metrics_lines(self) -> list[dict]:
        """The lines of metrics.jsonl, oldest first, without one that a killed run left unfinished at the end."""
        return records.read_json_lines(self.metrics, records.METRICS)

    def probe_lines(self) -> list[dict]:
        """The lines of probes.jsonl, as those of metrics.jsonl."""
        return records.read_json_lines(self.probes, records.PROBES)

    def drop_metrics_after(self, step: int) -> None:
        """Drops what a run logged after the checkpoint from which it goes on, and will log again; and unfinished files."""
        with self.written("metrics"):
            for path, lines in ((self.metrics, self.metrics_lines()), (self.probes, self.probe_lines())):
                kept = [line for line in lines if line["step"] <= step]
                if path.exists():
                    write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
            event_files.drop_after(self.tensorboard, step)
            for path in (*self.path.glob(".*"), *self.path.glob("*/.*")):
                if is_temporary(path) and path.is_file():
                    path.unlink()

    def save_encoders(self, peers) -> None:
        """Writes every peer's encoder, and its average if it has one, in float32 whatever precision it trained in."""
        for name, encoder in ((name, encoder) for peer in peers for name, encoder in peer.encoders.items()):
            path = self._encoder(name)
            temporary = temporary_sibling(path)
            with self.written("encoders"):
                path.parent.mkdir(exist_ok=True)
                try:
                    as_float32(encoder).save(temporary, save_format="keras")
                    temporary.replace(path)
                finally:
                    temporary.unlink(missing_ok=True)

    def peer_names(self) -> list[str]:
        """The peers whose encoders are saved, in the order of the run's --peers."""
        return [peer["name"] for peer in self.config()["peers"] if self._encoder(peer["name"]).is_file()]

    def load_encoder(self, peer: str) -> keras.Model:
        """A saved encoder; of a classifier, which dogo-finetune saves, its encoder. Raises InputError as `load_network`."""
        from dogo_tf.class_head import parts  # loads TensorFlow, which a mistyped flag need not wait for

        return parts(self.load_network(peer)).encoder

    def load_network(self, peer: str) -> keras.Model:
        """What is saved of a peer: an encoder or a classifier. Raises InputError with the known peers for another name."""
        known = self.peer_names()
        if peer not in known:
            raise InputError(
                f"peer: {self.path} has no encoder of a peer {peer!r}; "
                + (f"it has: {', '.join(known)}" if known else "the run has not saved any yet")
            )
        return load_keras_file(self._encoder(peer))

    def _encoder(self, peer: str) -> Path:
        check_peer_name(peer)  # names come from config.json, too, which may be anybody's
        return self.path / "encoders" / f"{peer}.keras"


def check_peer_name(name: str) -> None:
    """InputError for a name that could not be a file's, or would lead out of the run folder."""
    if not re.fullmatch(r"\w[\w.+-]*", name) or len(name.encode()) > LONGEST_NAME:
        raise InputError(
            f"peer: expected a name of letters, digits and _.+-, at most {LONGEST_NAME} bytes (it names a file); "
            f"got {name[: LONGEST_NAME // 2]!r}"
        )


# A run that is resumed takes the sizes from its config.json, and its settings are compared.
_TOLD_OTHERWISE = ("name", "bad_files", "digest", "store_size", "crops", "unlabelled_source")


def _fixed_data(data: dict) -> dict:
    """What must be as it was for a run to go on, and can be told as a difference."""
    kept = {name: value for name, value in data.items() if name not in _TOLD_OTHERWISE}
    return {"source": "memory", **kept}  # runs of before there were others say nothing


def _refuse_differences(what: str, before: dict, now: dict) -> None:
    differences = settings_differences(before, now)
    if differences:
        raise InputError(
            f"resume: the run in this folder has other {what}:\n"
            + "\n".join(differences)
            + "\nGive them as they were before, or begin a new run in another run_dir"
        )
