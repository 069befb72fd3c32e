"""What a .tflite file consists of: its operations, and the memory that its activations need."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_NAMES = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {number: name for name, number in vars(schema.TensorType).items() if not name.startswith("_")}
_BYTES = {
    "FLOAT32": 4,
    "INT32": 4,
    "FLOAT16": 2,
    "BFLOAT16": 2,
    "INT16": 2,
    "INT8": 1,
    "UINT8": 1,
    "BOOL": 1,
    "INT64": 8,
}


@dataclass(frozen=True)
class Graph:
    """operators: how often each occurs, the most frequent first; a custom one is called CUSTOM:<name>.

    activation_bytes: the largest sum over all activations that are alive at the same time, for a batch of 1. No plan of the
        tensor arena can do with less, and TFLite's needs little more; weights and what a delegate packs come on top.
    float_operators: how many operations read or write floating-point tensors; 0 for an integer-only graph.
    """

    operators: dict[str, int]
    activation_bytes: int
    float_operators: int

    @property
    def builtin_only(self) -> bool:
        return not any(name.startswith("CUSTOM:") for name in self.operators)


def read(model_bytes: bytes) -> Graph:
    """The graph of a .tflite file with one subgraph, as every file of this package has."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model_bytes, 0))
    (graph,) = model.subgraphs
    constant = {number for number, tensor in enumerate(graph.tensors) if model.buffers[tensor.buffer].data is not None}
    names, floats = [], 0
    for operator in graph.operators:
        names.append(_name(model.operatorCodes[operator.opcodeIndex]))
        inputs, outputs = _tensors(operator.inputs), _tensors(operator.outputs)
        if names[-1] == "DEQUANTIZE" and set(inputs) <= constant:
            constant.update(outputs)  # a float16 weight, which is expanded once, before the first image
        floats += any("FLOAT" in _TYPES[graph.tensors[number].type] for number in (*inputs, *outputs))
    return Graph(dict(Counter(names).most_common()), _peak(graph, constant), floats)


def _name(code) -> str:
    # Old files hold the number in a byte, new ones in a wider field.
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    if _NAMES[number] != "CUSTOM":
        return _NAMES[number]
    return f"CUSTOM:{code.customCode.decode()}"


def _tensors(numbers) -> list[int]:
    return [] if numbers is None else [int(number) for number in numbers if number >= 0]  # -1: an input left out


def _peak(graph, constant: set[int]) -> int:
    """A tensor lives from the operation that writes it to the last that reads it; inputs from the start, outputs to the end."""
    first, last = dict.fromkeys(_tensors(graph.inputs), 0), {}
    for step, operator in enumerate(graph.operators):
        for number in (*_tensors(operator.inputs), *_tensors(operator.outputs)):
            first.setdefault(number, step)
            last[number] = step
    last.update(dict.fromkeys(_tensors(graph.outputs), len(graph.operators) - 1))
    alive = np.zeros(len(graph.operators) + 1, np.int64)
    for number in last.keys() - constant:
        tensor = graph.tensors[number]
        size = int(np.prod(tensor.shape)) * _BYTES[_TYPES[tensor.type]]
        alive[first[number]] += size
        alive[last[number] + 1] -= size
    return int(np.cumsum(alive).max())
