"""Which encoders are fine-tuned, as flags and settings name them."""

from pathlib import Path
from typing import NamedTuple

from dogo_tf import encoders
from dogo_tf.errors import InputError
from dogo_tf.platform.files import expanded


class EncoderSpec(NamedTuple):
    """name: what the classifier will be called. place: a path, or the name of an encoder to begin with random weights.

    peer: which encoder of a run, or None.
    """

    name: str
    place: str
    peer: str | None

    @property
    def is_path(self) -> bool:
        return is_path(self.place)


def is_path(place: str) -> bool:
    return "/" in place or place.endswith((".keras", ".tflite", ".onnx")) or expanded(place).exists()


def encoder_specs(texts) -> list[EncoderSpec]:
    """("runs/pair#wrn_10_2", "big=big.keras", "wrn_10_1", ...) -> the specs.

    Without a name a classifier is called as the peer of its run, as its file, or as its encoder.
    Raises InputError: another form, a name that comes twice, an unknown encoder.
    """
    specs: list[EncoderSpec] = []
    for text in texts:
        first, equals, last = text.strip().partition("=")
        name, place = (first, last) if equals else ("", first)
        path, _, peer = place.partition("#")
        if not path or (equals and not name):
            raise InputError(
                "encoder: expected run_folder#peer, a .keras file or the name of an encoder, each also as name=..., "
                f"separated by commas; got {text!r}"
            )
        if not is_path(path):
            encoders.check_name(path)
        called = name or peer or (Path(path).name.removesuffix(".keras") if is_path(path) else path)
        if called in [spec.name for spec in specs]:
            raise InputError(f"encoder: {called} comes twice; call one otherwise: name={place}")
        specs.append(EncoderSpec(called, path, peer or None))
    if not specs:
        raise InputError("encoder: expected at least one, got none")
    return specs


def check_teacher(edge, learners) -> None:
    """InputError for an average that teaches, as it may in pre-training."""
    if edge.teacher in [f"{name}_ema" for name in learners]:
        raise InputError(
            f"teach: {edge.teacher}>{edge.student}: expected a classifier or a teacher; in fine-tuning averages do not teach"
        )


def check_settings(edge, warmup: str = "warmup") -> None:
    """InputError for settings that edges have in pre-training alone. warmup: what that is called where the edge comes from."""
    for name, value in ((warmup, edge.warmup), ("scheme", edge.scheme)):
        if value is not None:
            raise InputError(
                f"teach: {edge.teacher}>{edge.student}: {name}: expected weight and temperature alone; in fine-tuning edges "
                "have no more"
            )
