"""A program: how far weights after three steps on two replicas (logical CPU devices) are from those on one device, by
tensorflow-addons' optimizers, in float64; prints {optimizer: deviation} as JSON."""

import json

import numpy as np
from equality import deviation, on_logical_devices, set_up

set_up("float64", devices=2)
from resumption import model, train  # noqa: E402

from dogo_tf import optimizers  # noqa: E402

NAMES = ("lamb", "tfa:AdamW", "tfa:NovoGrad")


def weights(replicas: int) -> list[list[np.ndarray]]:
    """Of each peer, one by each optimizer."""
    strategy = on_logical_devices(replicas)
    with strategy.scope():
        made = model([optimizers.build(name, 0.01, 0.1) for name in NAMES])
        train(made, 0, 3)
    return [[variable.numpy() for variable in peer.variables] for peer in made.peers]


if __name__ == "__main__":
    pairs = zip(NAMES, weights(2), weights(1), strict=True)
    print(json.dumps({name: deviation(ours, theirs) for name, ours, theirs in pairs}))
