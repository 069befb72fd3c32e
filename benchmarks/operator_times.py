"""Which kinds of operations a .tflite file spends its time in: the file is cut off after each operation, and each cut timed.

LiteRT's own profiler is not in its Python package. What an operation adds to the cut before it is its time; as operations are
fused and handed over to XNNPACK together, only sums over a kind mean something.
"""

import time
from collections import Counter
from collections.abc import Iterator

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from dogo_tf.export.int8.graph_file import KINDS

CALLS = 15


def by_kind(content: bytes, image: np.ndarray) -> dict[str, float]:
    """Kind of operation -> its milliseconds on one thread, the slowest first. image: uint8 [H, W, 3]."""
    found, before = Counter(), 0.0
    for kind, cut in _cuts(content):
        now = _milliseconds(cut, image)
        found[kind] += now - before
        before = now
    return dict(found.most_common())


def _cuts(content: bytes) -> Iterator[tuple[str, bytes]]:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    (graph,) = model.subgraphs
    operators, model.signatureDefs = graph.operators, None
    for number, operator in enumerate(operators, start=1):
        graph.operators, graph.outputs = operators[:number], operator.outputs
        code = model.operatorCodes[operator.opcodeIndex]
        builder = flatbuffers.Builder(len(content))
        builder.Finish(model.Pack(builder), b"TFL3")
        yield KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)], bytes(builder.Output())


def _milliseconds(content: bytes, image: np.ndarray) -> float:
    """The quickest of CALLS: what other programs take of the machine only adds."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[np.newaxis])
    quickest = np.inf
    for _ in range(CALLS + 1):
        started = time.perf_counter()
        interpreter.invoke()
        quickest = min(quickest, time.perf_counter() - started)
    return 1000 * quickest
