"""Each operation of the package's own encoders as LiteRT's kernels compute it, given the same inputs."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from dogo_tf import encoders
from dogo_tf.export import tflite
from dogo_tf.export.int8.graph_file import Int8File
from dogo_tf.export.int8.network import Network, _on_grid
from dogo_tf.export.int8.operators import OPERATORS
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras

NAMES = {
    "wrn_10_1": 32,
    "resnet_18": 32,
    "shufflenet_v2": 32,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "mobilenet_v3_small_minimalistic": 64,
    "efficientnet_lite_b0": 64,
}


def litert(content, images):
    """Number -> value of every tensor, by the built-in kernels, which a delegate would hide."""
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=content, experimental_preserve_all_tensors=True, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
    interpreter.invoke()
    return interpreter.get_tensor


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_each_operation_is_within_a_step_of_the_kernels(name, tmp_path):
    keras.utils.set_random_seed(0)
    size, generator = NAMES[name], np.random.default_rng(0)
    encoder = encoders.build(name, size)
    for layer in encoder.layers:
        if "BatchNormalization" in type(layer).__name__:  # with statistics that matter, else additions are dropped
            *rest, variance = layer.get_weights()
            layer.set_weights([*(w + 0.2 * generator.standard_normal(w.shape) for w in rest), variance])
    images = generator.integers(0, 256, (32, size, size, 3), np.uint8)
    saved_model = export_saved_model(encoder, tmp_path / "saved")
    files = tflite.convert(saved_model, ("float32", "int8"), images)
    file = Int8File(files["int8"], files["float32"])
    network = Network(file)
    value_of, constants = litert(network.written(), images[:1]), network._constants(rounded=True)

    def real(number):
        if number in constants:
            return constants[number]
        value = value_of(number)
        if number not in file.grids or number == file.image:
            return value.astype(np.float32) if number == file.image else value
        grid = file.grids[number]
        return ((value.astype(np.int32) - grid.zero_point) * grid.scale).astype(np.float32)

    for operation in file.operations:
        if operation.outputs[0] not in file.grids:
            continue
        found = OPERATORS[operation.kind](operation.options, *(real(k) for k in operation.inputs if k >= 0))
        for number, value in zip(operation.outputs, found if isinstance(found, list) else [found], strict=True):
            grid = file.grids[number]
            steps = np.abs(_on_grid(value, grid) - real(number)) / grid.scale
            assert steps.max() < 1.01, (operation.kind, number)
            # The built-in mean cuts its zero-point off to a whole number; XNNPACK, which runs it on x86 and ARM, does not.
            assert (steps > 0.5).mean() < (0.9 if operation.kind == "MEAN" else 0.05), (operation.kind, number)
