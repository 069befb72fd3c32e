"""How much arithmetic a training takes: a comparison at equal compute is matched by it, since times vary and this does not."""

from __future__ import annotations

import numpy as np

from dogo_tf.encoders._twin import calls
from dogo_tf.platform.keras_compat import keras

VIEWS = 2
PASSES = 3  # forward, gradient of the inputs, gradient of the weights


def multiply_accumulates(model: keras.Model) -> int:
    """Of one image's forward pass through convolutions and dense layers."""
    total = 0
    # By calls: the same layers have other shapes in the twin for local views.
    for call in calls(model):
        layer, shape = call.layer, call.output_shapes
        if isinstance(layer, keras.Model):
            total += multiply_accumulates(layer)
        elif isinstance(layer, keras.layers.DepthwiseConv2D):
            total += int(np.prod(shape[1:3])) * int(np.prod(layer.depthwise_kernel.shape))
        elif isinstance(layer, keras.layers.Conv2D):
            # A grouped convolution's kernel already holds the inputs of one group only.
            total += int(np.prod(shape[1:3])) * int(np.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Dense):
            # Squeeze-and-excitation applies a dense layer to [B, 1, 1, C].
            total += int(np.prod(shape[1:-1])) * int(np.prod(layer.kernel.shape))
    return total


def training_operations(peer) -> int:
    """Floating-point operations that a training step spends on one image of one peer: a multiply-accumulate counts as two."""
    heads = [peer.projector] + ([peer.predictor] if peer.predictor else [])
    following = peer.target.copies if peer.target else []  # forward only
    learning, following, local = (
        sum(map(multiply_accumulates, models))
        for models in ([peer.encoder, *heads], following, [peer.local.encoder, *heads] if peer.local.count else [])
    )
    return 2 * (VIEWS * (PASSES * learning + following) + peer.local.count * PASSES * local)


def averages_operations(peer) -> int:
    """Those of a peer's average that teaches: it looks at both views in every step, and gives z."""
    return 2 * VIEWS * (multiply_accumulates(peer.encoder) + multiply_accumulates(peer.projector))


def teaching_operations(encoder: keras.Model, looks: float = VIEWS) -> float:
    """Those of a frozen teacher, which only looks: at both views in every epoch, or once in a whole training."""
    return 2 * looks * multiply_accumulates(encoder)


def with_share_of_teachers(own: dict[str, float], edges) -> dict[str, float]:
    """What each peer costs as a student: its own operations, and those of the peers that teach it, divided by their students.

    Args:
        own: operations by name of a peer. edges: (teacher, student) each; teachers that are no peers are left out.
    """
    students = {teacher: [student for other, student in edges if other == teacher] for teacher in own}
    return {
        name: operations + sum(own[teacher] / len(taught) for teacher, taught in students.items() if name in taught)
        for name, operations in own.items()
    }
