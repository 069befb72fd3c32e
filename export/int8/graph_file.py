"""An int8 .tflite file as operations on tensors, next to the float32 file of the same network that has its exact weights.

The converter decides which tensors are quantised and which share a grid; here only the numbers on the grids are changed:
scales and zero-points of activations, weights, biases. (TFLite's quantisation specification: value = scale * (q - zero_point);
weights symmetric, -127..127, with a scale for each output channel; activations -128..127 with one scale; biases int32 with the
scale of the input times that of the weights.)
"""

from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from dogo_tf.errors import InputError

KINDS = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_DTYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.BOOL: np.bool_,
}
LOWEST, HIGHEST = -128, 127  # of an activation
MOST = 127  # of a weight, either way
LARGEST_BIAS = 2**30  # half of what 32 bits hold: products are added to it
LARGEST_MULTIPLIER = 128  # of a sum of products on its way to the output's grid; XNNPACK takes less than 256
# Kind of operation -> axis of the output channels in its weights. Its inputs are: activations, weights, bias.
WEIGHTED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
# They move values about, or choose among them, so that these stay on their grid.
MOVING = (
    "CONCATENATION",
    "EXPAND_DIMS",
    "MAXIMUM",
    "MAX_POOL_2D",
    "MINIMUM",
    "PAD",
    "RESHAPE",
    "SLICE",
    "SPLIT",
    "SQUEEZE",
    "STRIDED_SLICE",
    "TRANSPOSE",
)
SAME_GRID = (*MOVING, "AVERAGE_POOL_2D")
# The specification prescribes the grid of what they return.
PRESCRIBED = ("LOGISTIC", "SOFTMAX", "TANH", "L2_NORMALIZATION")
_CHANGING_TYPE = ("CAST", "QUANTIZE", "DEQUANTIZE")


@dataclass(frozen=True)
class Operation:
    """kind: e.g. "CONV_2D". options: as in TFLite's schema. inputs, outputs: numbers of tensors; -1: an input left out."""

    kind: str
    options: object
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    """The real values scale * (q - zero_point), q = -128..127."""

    scale: float
    zero_point: int

    @classmethod
    def over(cls, low: float, high: float) -> "Grid":
        """The grid of the range low..high, widened to hold 0 and moved by less than a step so that 0 is on it."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = max((high - low) / (HIGHEST - LOWEST), 1e-12)
        return cls(scale, int(np.clip(round(LOWEST - low / scale), LOWEST, HIGHEST)))

    @property
    def low(self) -> float:
        return self.scale * (LOWEST - self.zero_point)

    @property
    def high(self) -> float:
        return self.scale * (HIGHEST - self.zero_point)


class Int8File:
    """Args:
        int8, float32: files of tflite.convert of one SavedModel.
    Attributes:
        operations: in the order in which they run. image: number of the uint8 input. outputs: name -> number of the tensor.
        constants: number -> value: in float32 from the float file where int8 has a grid, integers as they are.
        weights: number of the weights -> axis of their channels. biases: number -> (number of its input, of its weights).
        grids: number of a quantised activation or constant -> Grid.
        groups: tensors that share a grid which may be chosen freely, without constants.
    Raises:
        InputError: the files are not of the same network.
    """

    def __init__(self, int8: bytes, float32: bytes):
        self._model, graph, self.operations = _read(int8)
        self.image, self.outputs = int(graph.inputs[0]), _outputs(self._model)
        self._tensors = graph.tensors
        self.grids, self.constants = {}, {}
        for number, tensor in enumerate(graph.tensors):
            if (value := _value(self._model, tensor)) is not None:
                self.constants[number] = value
            found = tensor.quantization
            has_grid = found is not None and found.scale is not None and len(found.scale) == 1
            if has_grid and tensor.type != schema.TensorType.INT32:
                self.grids[number] = Grid(float(found.scale[0]), int(found.zeroPoint[0]))
        self.weights, self.biases = {}, {}
        for operation in self.operations:
            if operation.kind in WEIGHTED and operation.inputs[1] in self.constants:
                activations, weights, *bias = operation.inputs
                self.weights[weights] = WEIGHTED[operation.kind]
                self.grids.pop(weights, None)
                self.biases |= {number: (activations, weights) for number in bias if number >= 0}
        self.constants |= self._exact(float32)
        self.groups = self._free_groups()

    def written(self, constants: dict[int, np.ndarray], grids: dict[int, Grid]) -> bytes:
        """The file with other float weights or biases (by number), and other grids of its groups.

        Biases follow the scales that they depend on, whether they are given or not.
        """
        grids, constants = self.grids | grids, self.constants | constants
        scales = {number: _channel_scales(constants[number], axis) for number, axis in self.weights.items()}
        self._coarsen(grids, scales)
        for number, (activations, weights) in self.biases.items():
            # A channel of (almost) no weights: its scale must leave room for the bias, which is told in its units.
            least = np.abs(constants[number]) / (grids[activations].scale * LARGEST_BIAS)
            scales[weights] = np.maximum(scales[weights], least.astype(np.float32))
        for number in set().union(*self.groups):
            self._set_grid(number, [grids[number].scale], [grids[number].zero_point])
        for number, axis in self.weights.items():
            shape = [-1 if a == axis else 1 for a in range(constants[number].ndim)]
            integers = np.floor(constants[number] / scales[number].reshape(shape) + 0.5)
            self._set_grid(number, scales[number], [0] * len(scales[number]))
            self._set_value(number, np.clip(integers, -MOST, MOST).astype(np.int8))
        for number, (activations, weights) in self.biases.items():
            steps = grids[activations].scale * scales[weights]
            self._set_grid(number, steps, [0] * len(steps))
            self._set_value(number, np.round(constants[number] / steps).astype(np.int32))
        builder = _SharingBuilder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _coarsen(self, grids: dict[int, Grid], scales: dict[int, np.ndarray]) -> None:
        """Makes grids coarser whose steps are far smaller than those of the sums that are rounded to them.

        So it is where a ReLU passes nothing on any calibration image. The steps of the sums lose nothing, and LiteRT does not
        load a file whose multiplier is larger.
        """
        for operation in self.operations:
            if operation.kind not in WEIGHTED or operation.inputs[1] not in self.weights:
                continue
            (result,) = operation.outputs
            step = grids[operation.inputs[0]].scale * float(scales[operation.inputs[1]].max())
            group = next((members for members in self.groups if result in members), ())
            if group and step > LARGEST_MULTIPLIER * grids[result].scale:
                grids.update((number, Grid(step, grids[result].zero_point)) for number in group)

    def _set_grid(self, number, scales, zero_points):
        quantization = self._tensors[number].quantization
        quantization.scale, quantization.zeroPoint = np.asarray(scales, np.float32), np.asarray(zero_points, np.int64)
        quantization.min = quantization.max = None

    def _set_value(self, number, value):
        tensor = self._tensors[number]
        if sum(other.buffer == tensor.buffer for other in self._tensors) > 1:  # equal constants may share their bytes
            self._model.buffers.append(schema.BufferT())
            tensor.buffer = len(self._model.buffers) - 1
        self._model.buffers[tensor.buffer].data = np.frombuffer(value.tobytes(), np.uint8)

    def _exact(self, float32: bytes) -> dict[int, np.ndarray]:
        """Number of each quantised constant -> its value in the float file, which is found by the place in the sequence."""
        model, graph, operations = _read(float32)
        ours, theirs = ([o for o in found if o.kind not in _CHANGING_TYPE] for found in (self.operations, operations))
        if [o.kind for o in ours] != [o.kind for o in theirs]:
            raise InputError("int8 and float32: expected the two files of one network, their operations differ")
        exact = {}
        for our, their in zip(ours, theirs, strict=True):
            for number, other in zip(our.inputs, their.inputs, strict=True):
                quantised = number in self.weights or number in self.biases or number in self.grids
                if number in self.constants and quantised:
                    exact[number] = _value(model, graph.tensors[other]).astype(np.float32)
        return exact

    def _free_groups(self) -> list[tuple[int, ...]]:
        group = {number: {number} for number in self.grids}
        fixed = {self.image, *(number for number in self.constants if number in self.grids)}
        for operation in self.operations:
            tied = [number for number in (*operation.inputs, *operation.outputs) if number in self.grids]
            if operation.kind in SAME_GRID:
                merged = set().union(*(group[number] for number in tied))
                group.update(dict.fromkeys(merged, merged))
            if operation.kind in PRESCRIBED or self.image in operation.inputs:
                fixed |= set(operation.outputs)
        distinct = {id(members): members for members in group.values()}.values()
        return [tuple(sorted(members)) for members in distinct if not members & fixed]


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal arrays once. Every channel has a zero-point of 8 bytes, for weights and for biases, and all of them are 0:
    they take a tenth of a small network's file."""

    def __init__(self, size: int):
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x):  # noqa: N802  flatbuffers calls it so
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]


def _read(content: bytes):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    (graph,) = model.subgraphs
    operations = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        kind = KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        inputs, outputs = (tuple(int(number) for number in side) for side in (operator.inputs, operator.outputs))
        operations.append(Operation(kind, operator.builtinOptions, inputs, outputs))
    return model, graph, operations


def _outputs(model) -> dict[str, int]:
    return {entry.name.decode(): int(entry.tensorIndex) for entry in model.signatureDefs[0].outputs}


def _value(model, tensor):
    data = model.buffers[tensor.buffer].data
    if data is None:
        return None
    shape = () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
    return np.frombuffer(np.asarray(data, np.uint8).tobytes(), _DTYPES[tensor.type]).reshape(shape)


def _channel_scales(weights: np.ndarray, axis: int) -> np.ndarray:
    """float32 [channels]: the largest absolute weight of each channel becomes 127."""
    others = tuple(other for other in range(weights.ndim) if other != axis)
    return np.maximum(np.abs(weights).max(axis=others) / MOST, 1e-12).astype(np.float32)
