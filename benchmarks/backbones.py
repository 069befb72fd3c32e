"""Builds every encoder of keras.applications and KerasCV once, with the network refused: does it work, how many parameters?

Prints a line for each as it goes: name, image side, d_h, parameters, and those that KerasCV states (at 1024 px for ViTDet). All
take a quarter of an hour or more, and up to 8 GB; names as arguments build those only.
"""

import argparse
import socket

import numpy as np

from dogo_tf import encoders
from dogo_tf.encoders import _adapter, keras_applications, keras_cv_backbones
from dogo_tf.keras_compat import keras


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


def check(name: str) -> str:
    keras.backend.clear_session()
    size = side(name)
    encoder = encoders.build(name, size)
    h = encoder(np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)).numpy()
    if h.shape != (2, encoder.output_shape[1]) or not np.isfinite(h).all():
        raise ArithmeticError(f"{name}: features of shape {h.shape}, finite: {np.isfinite(h).all()}")
    stated = stated_parameters(name) if name.startswith("keras_cv.") else None
    return f"{name} {size} {h.shape[1]} {encoder.count_params():,} {f'{stated:,}' if stated else '-'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="e.g. keras.DenseNet121; all if none is given")
    refuse_network()
    for name in parser.parse_args().names or keras_applications.names() + keras_cv_backbones.names():
        print(check(name), flush=True)


if __name__ == "__main__":
    main()
