"""Builds every encoder of keras.applications and KerasCV once, with the network refused: does it work, how many parameters?

Prints each as it goes: image side, d_h, parameters, and those that KerasCV states (at 1024 px for ViTDet). All take a quarter
of an hour or more, and up to 8 GB; names as arguments build those only.
"""

import argparse
import socket
from pathlib import Path

import numpy as np

from dogo_tf import encoders
from dogo_tf.encoders import _adapter, keras_applications, keras_cv_backbones
from dogo_tf.platform.keras_compat import keras
from dogo_tf.reporting.provenance import record


def refuse_network() -> None:
    def refused(*_, **__):
        raise OSError("the network is refused here")

    socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refused


def side(name: str) -> int:
    """A small one, in pixels, that the network takes."""
    return 75 if "Inception" in name else 64 if "mit" in name else 32


def stated_parameters(name: str) -> int | None:
    models = _adapter.import_keras_cv().models
    kind = getattr(models, keras_cv_backbones.PRESETS[name.removeprefix("keras_cv.")].kind)
    return kind.presets.get(name.removeprefix("keras_cv."), {}).get("metadata", {}).get("params")


def build(name: str) -> dict:
    """What came out; ArithmeticError if features have another shape than said, or are not finite."""
    keras.backend.clear_session()
    size = side(name)
    encoder = encoders.build(name, size)
    h = encoder(np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)).numpy()
    if h.shape != (2, encoder.output_shape[1]) or not np.isfinite(h).all():
        raise ArithmeticError(f"{name}: features of shape {h.shape}, finite: {np.isfinite(h).all()}")
    stated = stated_parameters(name) if name.startswith("keras_cv.") else None
    return {"image_size": size, "d_h": h.shape[1], "parameters": encoder.count_params(), "stated": stated}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="e.g. keras.DenseNet121; all if none is given")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    refuse_network()
    built = {}
    for name in arguments.names or keras_applications.names() + keras_cv_backbones.names():
        try:
            built[name] = build(name)
        except Exception as error:  # the others are still to be told
            built[name] = {"failed": f"{type(error).__name__}: {error}"}
        print(name, built[name], flush=True)
    if arguments.out:
        record(arguments.out, {"encoders": built})
    if failed := [name for name, found in built.items() if "failed" in found]:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
