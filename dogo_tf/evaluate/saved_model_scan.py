"""What a SavedModel would do, read from its file before TensorFlow loads it.

A SavedModel is a program: its initialisers run when it is loaded, its functions when it is called, and an op can write files or
start Python. An encoder needs arithmetic only, so the ops that may occur are listed; whether TensorFlow calls an op stateful
says nothing (ReadFile is stateless).
"""

from collections.abc import Iterator
from pathlib import Path

from dogo_tf.errors import InputError
from dogo_tf.platform.keras_compat import tf

PROGRAM = "saved_model.pb"

_CALLS = "PartitionedCall StatefulPartitionedCall If While Case StatelessIf StatelessWhile StatelessCase"
_VARIABLES = "VarHandleOp ReadVariableOp AssignVariableOp VarIsInitializedOp"
_PLUMBING = (
    "NoOp Identity IdentityN Placeholder PlaceholderWithDefault Const EnsureShape StopGradient PreventGradient Snapshot"
)
_ARITHMETIC = """
    Abs Acos Acosh Add AddN AddV2 Angle Asin Asinh Atan Atan2 Atanh Betainc BiasAdd BiasAddV1 Bitcast BitwiseAnd BitwiseOr
    BitwiseXor Cast Ceil ClipByValue Complex ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp Digamma Div
    DivNoNan Einsum Equal Erf Erfc Erfinv Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Imag Inv Invert IsFinite IsInf
    IsNan LeftShift Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr MatMul BatchMatMul BatchMatMulV2
    BatchMatMulV3 MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagV2 MatrixDiagV3 MatrixDiagPartV2 MatrixDiagPartV3
    MatrixTranspose Maximum Minimum Mod Mul MulNoNan Neg NextAfter NotEqual Polygamma Pow Real RealDiv Reciprocal RightShift
    Rint Round Rsqrt Sigmoid Sign Sin Sinh Sqrt Square SquaredDifference Sub Tan Tanh TruncateDiv TruncateMod Xdivy Xlog1py
    Xlogy Zeta XlaDotV2 XlaGather FFT FFT2D IFFT IFFT2D RFFT RFFT2D IRFFT IRFFT2D
"""
_REDUCTIONS = """
    All Any ArgMax ArgMin Bincount DenseBincount EuclideanNorm Max Mean Min Prod Sum TopK TopKV2 NthElement InTopK InTopKV2
    SegmentMax SegmentMean SegmentMin SegmentProd SegmentSum UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
    UnsortedSegmentSum
"""
_SHAPES = """
    BatchToSpace BatchToSpaceND BroadcastArgs BroadcastTo Concat ConcatV2 DepthToSpace DiagPart Diag ExpandDims Fill Gather
    GatherNd GatherV2 InvertPermutation LinSpace MirrorPad OneHot OnesLike Pack Pad PadV2 ParallelConcat Range Rank Reshape
    ResourceGather ResourceGatherNd Reverse ReverseSequence ReverseV2 Roll ScatterNd Select SelectV2 Shape ShapeN Size Slice
    SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze StridedSlice TensorScatterAdd TensorScatterMax
    TensorScatterMin TensorScatterSub TensorScatterUpdate Tile Transpose Unique UniqueV2 Unpack Where ZerosLike
    ExtractImagePatches ExtractVolumePatches SearchSorted LowerBound UpperBound Sort
"""
_LAYERS = """
    AvgPool AvgPool3D Conv Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInputV2 DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropInput Dilation2D Elu FractionalAvgPool FractionalMaxPool FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D L2Loss LeakyRelu LogSoftmax LRN MaxPool MaxPool3D MaxPoolV2
    MaxPoolWithArgmax Relu Relu6 Selu Softmax Softplus Softsign XlaConvV2 _FusedConv2D _FusedMatMul _FusedBatchNormEx
"""
_IMAGES = """
    AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation CropAndResize HSVToRGB ImageProjectiveTransformV2
    ImageProjectiveTransformV3 ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor RGBToHSV ScaleAndTranslate
"""
_QUANTISATION = """
    FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel QuantizeAndDequantize
    QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
"""
ALLOWED = frozenset(
    " ".join(
        (_CALLS, _VARIABLES, _PLUMBING, _ARITHMETIC, _REDUCTIONS, _SHAPES, _LAYERS, _IMAGES, _QUANTISATION)
    ).split()
)
# Every SavedModel has them, to save and restore its weights; the loader does not run these, it reads the weights itself.
SAVER = frozenset(
    [
        "SaveV2",
        "RestoreV2",
        "MergeV2Checkpoints",
        "ShardedFilename",
        "StringJoin",
        "StaticRegexFullMatch",
        "DisableCopyOnRead",
    ]
)


def check_saved_model(folder) -> None:
    """InputError, with the op named, if the SavedModel in `folder` could do more than compute; nothing of it is run.

    Raises:
        InputError: an op that is not in ALLOWED; a form of SavedModel that this cannot read; a damaged file.
    """
    folder = Path(folder)
    graph, functions, roots = _read(folder)
    reached = _reach(roots, functions)
    _check(folder, graph.node, "its graph", ALLOWED | SAVER, functions)
    for name, function in functions.items():
        # A function that nothing calls on loading or in use may save and restore, but no more.
        allowed = ALLOWED if name in reached else ALLOWED | SAVER
        _check(folder, function.node_def, f"its function {name!r}", allowed, functions)


def _read(folder: Path):
    """The graph, its functions by name, and the names that loading or calling can start from."""
    # Here, since they load TensorFlow, which takes seconds; through `tf` first, which chooses the Keras.
    tf.__version__  # noqa: B018
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow.python.framework import op_def_registry

    others = sorted(file.name for file in folder.glob("saved_model.*") if file.name != PROGRAM)
    if others:
        raise _unknown_form(folder, f"{others[0]} beside or instead of {PROGRAM}")
    program = saved_model_pb2.SavedModel()
    try:
        program.ParseFromString((folder / PROGRAM).read_bytes())
    except (OSError, DecodeError) as error:
        raise InputError(f"{folder}: expected a SavedModel folder: {error}") from error
    if len(program.meta_graphs) != 1:
        raise _unknown_form(folder, f"{len(program.meta_graphs)} graphs")
    (meta,) = program.meta_graphs
    if not meta.HasField("object_graph_def"):
        raise _unknown_form(folder, "the format of TensorFlow 1")
    library = meta.graph_def.library
    functions = {function.signature.name: function for function in library.function}
    if len(functions) != len(library.function):
        raise _unknown_form(folder, "two functions of one name")
    # A call by this name would be taken for the function here, and perhaps for the op by TensorFlow.
    if shadows := sorted(name for name in functions if op_def_registry.get(name) is not None):
        raise _unknown_form(folder, f"a function called as the op {shadows[0]}")
    objects = meta.object_graph_def
    roots = set(objects.concrete_functions)
    for node in objects.nodes:
        roots.update(node.function.concrete_functions)
        roots.add(node.bare_concrete_function.concrete_function_name)
    roots.update(gradient.gradient_func for gradient in library.gradient)
    roots.update(gradient.gradient_func for gradient in library.registered_gradients)
    return meta.graph_def, functions, roots


def _unknown_form(folder: Path, found: str) -> InputError:
    return InputError(
        f"{folder}: expected a SavedModel of TensorFlow 2 with one graph in {PROGRAM}, which can be checked before it is "
        f"loaded; got {found}. {_ADVICE}"
    )


_ADVICE = "If you trust where it comes from, give --trust (in Python: trust=True)"


def _check(folder: Path, nodes, where: str, allowed: frozenset, functions) -> None:
    for node in nodes:
        # A call's function may also be the name of an op.
        for name in (node.op, *_called(node.attr)):
            if name not in allowed and name not in functions:
                raise InputError(
                    f"{folder}: a SavedModel is a program, and this one holds the op {name} (in {where}), which is not among "
                    f"those that an encoder may hold: arithmetic, layers and variables, no files, no Python, no tables. "
                    f"It was not loaded. {_ADVICE}"
                )


def _reach(roots: set[str], functions) -> set[str]:
    """The functions that `roots` are or call, directly or not."""
    reached, left = set(), [name for name in roots if name in functions]
    while left:
        name = left.pop()
        if name in reached:
            continue
        reached.add(name)
        left += [other for other in _mentioned(functions[name]) if other in functions]
    return reached


def _mentioned(function) -> Iterator[str]:
    yield from _called(function.attr)
    for node in function.node_def:
        yield node.op
        yield from _called(node.attr)
        # Gradients and other implementations are named by strings.
        yield from (
            value.s.decode("utf-8", "replace") for value in node.attr.values() if value.WhichOneof("value") == "s"
        )


def _called(attributes) -> Iterator[str]:
    """The functions in the attributes of a node, those in the attributes of functions too."""
    for value in attributes.values():
        kind = value.WhichOneof("value")
        for function in [value.func] if kind == "func" else value.list.func if kind == "list" else ():
            if function.name:  # a call may leave a branch empty
                yield function.name
            yield from _called(function.attr)
