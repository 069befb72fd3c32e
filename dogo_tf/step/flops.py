"""How much arithmetic a training takes: a comparison at equal compute is matched by it, since times vary and this does not."""

from __future__ import annotations

import numpy as np

from dogo_tf.encoders._twin import calls
from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import keras

VIEWS = 2
PASSES = 3  # forward, gradient of the inputs, gradient of the weights
_CONVOLUTIONS = keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D
_TRANSPOSED = keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose
_DEPTHWISE = keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D
_SEPARABLE = keras.layers.SeparableConv1D, keras.layers.SeparableConv2D
_COUNTED = ", ".join(
    kind.__name__ for kind in (keras.layers.Dense, *_CONVOLUTIONS, *_TRANSPOSED, *_DEPTHWISE, *_SEPARABLE)
)


def multiply_accumulates(model: keras.Model) -> int:
    """Of one image's forward pass through convolutions and dense layers.

    Raises:
        InputError: a layer with a kernel whose operations are not known; as nothing it would falsify a comparison.
    """
    # By calls: the same layers have other shapes in the twin for local views.
    return sum(_of_call(call, model.name) for call in calls(model))


def _of_call(call, model: str) -> int:
    layer, shape = call.layer, call.output_shapes
    if isinstance(layer, keras.Model):
        return multiply_accumulates(layer)
    if isinstance(layer, keras.layers.Dense):
        # Squeeze-and-excitation applies a dense layer to [B, 1, 1, C].
        return int(np.prod(shape[1:-1])) * _size(layer.kernel)
    if isinstance(layer, _DEPTHWISE):
        return _places(layer, shape) * _size(layer.depthwise_kernel)
    if isinstance(layer, _SEPARABLE):
        return _places(layer, shape) * (_size(layer.depthwise_kernel) + _size(layer.pointwise_kernel))
    # Before the other convolutions, whose subclasses they are: here each place of the input meets the whole kernel.
    if isinstance(layer, _TRANSPOSED):
        return _places(layer, call.input_shapes) * _size(layer.kernel)
    if isinstance(layer, _CONVOLUTIONS):
        # A grouped convolution's kernel already holds the inputs of one group only.
        return _places(layer, shape) * _size(layer.kernel)
    # The last part alone: the layer itself may be called so.
    if any("kernel" in weight.name.rpartition("/")[2] for weight in layer.weights):
        kind = f"{type(layer).__module__}.{type(layer).__name__}"
        raise InputError(
            f"encoder: expected kernels in layers of keras.layers whose operations can be counted ({_COUNTED}) or of classes "
            f"derived from them; the layer {layer.name!r} of {model!r} is a {kind}; build the encoder of those, or count this "
            "class in dogo_tf/step/flops.py"
        )
    return 0


def _places(layer, shape) -> int:
    return int(np.prod(shape[2:] if layer.data_format == "channels_first" else shape[1:-1]))


def _size(kernel) -> int:
    return int(np.prod(kernel.shape))


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
        own: operations by name of a peer, those of its average included if it teaches.
        edges: (teacher, student) each, see average_teacher.between_peers; teachers that are no peers are left out.
    """
    # A set, as a peer and its average may teach the same student; and a peer that its own average teaches bears itself anyway.
    students = {
        teacher: {student for other, student in edges if other == teacher and student != teacher} for teacher in own
    }
    return {
        name: operations + sum(own[teacher] / len(taught) for teacher, taught in students.items() if name in taught)
        for name, operations in own.items()
    }
