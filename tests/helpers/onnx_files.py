"""Small ONNX files, as exporters write them: the mean colour of what an image becomes, times a matrix."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 5
MATRIX = np.random.default_rng(0).normal(size=(3, WIDTH)).astype(np.float32)
FLOAT = TensorProto.FLOAT


def features(images, mean, std) -> np.ndarray:
    """What `write` computes of uint8 images [N, S, S, 3] whose pixels / 255 are normalised so."""
    return ((images / 255 - np.array(mean)) / np.array(std)).mean(axis=(1, 2)) @ MATRIX


def write(path, shape=("batch", 3, 16, 16), kind=FLOAT, outputs=None, extra_inputs=(), weights_in=None, side=None):
    """An ONNX file from one input `pixels` of this shape to `features`.

    outputs: {name: shape} of those that it names; "tokens", "map" and "class" are there, too.
    weights_in: a file for the matrix.
    side: the only one that its nodes can take, where the shape leaves it open.
    """
    nodes = [helper.make_node("Cast", ["pixels"], ["floats"], to=FLOAT)]
    channels_last = shape[-1] == 3 and shape[1] != 3
    order = {"perm": [0, 3, 1, 2]} if channels_last else {"perm": [0, 1, 2, 3]}
    nodes += [
        helper.make_node("Transpose", ["floats"], ["image"], **order),
        helper.make_node("Add", ["image", "zeros"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["colour"]),
        helper.make_node("MatMul", ["colour", "matrix"], ["features"]),
        helper.make_node("Unsqueeze", ["features", "one"], ["tokens"]),
        helper.make_node("Cast", ["features"], ["class"], to=TensorProto.INT64),
    ]
    types = {"class": TensorProto.INT64}
    named = outputs or {"features": ["batch", WIDTH]}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("pixels", kind, shape)]
        + [helper.make_tensor_value_info(name, FLOAT, ["batch", 4]) for name in extra_inputs],
        [helper.make_tensor_value_info(name, types.get(name, FLOAT), of) for name, of in named.items()],
        [
            numpy_helper.from_array(MATRIX[: 1 if shape[1] == 1 else 3], "matrix"),
            numpy_helper.from_array(np.array([1]), "one"),
            numpy_helper.from_array(np.zeros([1, 1, side or 1, side or 1], np.float32), "zeros"),
        ],
    )
    # Not the newest versions: ONNX Runtime takes some time to follow.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    external = (
        {"save_as_external_data": True, "location": weights_in, "size_threshold": MATRIX.nbytes} if weights_in else {}
    )
    onnx.save(model, str(path), **external)
    return path
