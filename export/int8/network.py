"""The network of an int8 file in TensorFlow, in float32 or with every value rounded to the file's grids."""

import numpy as np

from dogo_tf.errors import InputError
from dogo_tf.evaluate.saved_model_encoder import OUTPUT
from dogo_tf.export.int8.graph_file import MOVING, Grid, Int8File
from dogo_tf.export.int8.operators import OPERATORS, missing
from dogo_tf.platform.keras_compat import tf


class Network(tf.Module):
    """Trainable: weights and biases. The ranges of activations are those of the file.

    Rounding passes gradients as if it were not there, except where a value lies outside its range (Jacob et al., 2018).

    Args:
        file: an Int8File.
    Raises:
        InputError: the file has operations that are not known here; it names them.
    """

    def __init__(self, file: Int8File):
        super().__init__()
        if unknown := missing(file.operations):
            raise InputError(f"int8: the network has operations whose rounding is not known: {', '.join(unknown)}")
        self.file = file
        self.parameters = {
            number: tf.Variable(file.constants[number], name=f"constant_{number}")
            for number in (*file.weights, *file.biases)
        }
        self.grids = dict(file.grids)

    def __call__(self, images, rounded: bool = True) -> dict[str, tf.Tensor]:
        """images: float32 [B, H, W, 3], 0..255 -> every output by name, float32 [B, ...]."""
        values = self.tensors(images, rounded)
        return {name: values[number] for name, number in self.file.outputs.items()}

    def features(self, images, rounded: bool = True) -> tf.Tensor:
        return self(images, rounded)[OUTPUT]

    def tensors(self, images, rounded: bool) -> dict[int, tf.Tensor]:
        """The values of all tensors by number."""
        values = self._constants(rounded) | {self.file.image: images}
        for operation in self.file.operations:
            inputs = [values[number] for number in operation.inputs if number >= 0]
            found = OPERATORS[operation.kind](operation.options, *inputs)
            for number, value in zip(operation.outputs, found if isinstance(found, list) else [found], strict=True):
                if rounded and number in self.grids and operation.kind not in MOVING:
                    if operation.kind == "AVERAGE_POOL_2D":
                        value = _halves_away_from_zero(value, self.grids[number])
                    value = _on_grid(value, self.grids[number])
                values[number] = value
        return values

    def written(self) -> bytes:
        """The int8 file with the weights, biases and ranges as they are now."""
        parameters = {number: variable.numpy() for number, variable in self.parameters.items()}
        return self.file.written(parameters, self.grids)

    def _constants(self, rounded):
        values = dict(self.file.constants)
        if rounded:
            for number in values.keys() & self.grids.keys():
                values[number] = _on_grid(tf.constant(values[number]), self.grids[number])
        values |= self.parameters
        for number, axis in self.file.weights.items():
            weights = values[number]
            if axis == 0:
                weights = tf.transpose(weights, (*range(1, weights.shape.rank), 0))
            values[number] = _per_channel(weights) if rounded else weights
        return values


def _on_grid(value, grid: Grid):
    return tf.quantization.fake_quant_with_min_max_vars(value, grid.low, grid.high)


def _halves_away_from_zero(value, grid: Grid):
    """TFLite's average of few integers, of which many are halves, rounds -1.5 to -2; `_on_grid` would round it to -1."""
    negative = value < -grid.scale * grid.zero_point
    return tf.where(negative, value - 1e-3 * grid.scale, value)


def _per_channel(weights):
    """The last axis is that of the channels."""
    largest = tf.reduce_max(tf.abs(tf.stop_gradient(weights)), axis=tuple(range(weights.shape.rank - 1)))
    largest = tf.maximum(largest, np.float32(1e-9))
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(weights, -largest, largest, narrow_range=True)
