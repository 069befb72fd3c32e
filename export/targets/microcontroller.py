"""Microcontrollers: TensorFlow Lite Micro's interpreter, on this machine. Does a file run, with which integers and memory?

The tensor arena found here is that of a 64-bit machine; a 32-bit microcontroller, whose pointers are half as long, needs less.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from dogo_tf.export.targets._work import Finding, Work, last_words, run_tool

COLUMNS = ("microcontroller",)
MODULES = {"tflite_micro": "tflite-micro"}
IMAGES = 16  # its kernels are the slow reference ones
LARGEST = 2**28  # bytes: no microcontroller has as much
STEP = 1024


def examine(work: Work) -> dict[str, Finding]:
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "images.npy"
        np.save(images, work.images[:IMAGES])
        return {name: _examine(path, images, work.arena_bytes) for name, path in work.integer_files.items()}


def _examine(path: Path, images: Path, limit: int | None) -> Finding:
    done = run_tool(__name__, path, images)
    if done.returncode:
        return Finding(reason=f"tflite-micro cannot run it: {last_words(done)}")
    facts = json.loads(done.stdout.splitlines()[-1])
    if limit is not None and facts["arena_bytes"] > limit:
        needed, given = (f"{count / 1000:.0f} kB" for count in (facts["arena_bytes"], limit))
        return Finding(
            facts=facts, reason=f"too large: it needs an arena of {needed}, the device has {given} (--arena_kb)"
        )
    same = facts["same_as_reference_kernels"]
    integers = "same integers" if same == 1 else f"{100 * same:.1f} % same integers"
    return Finding({COLUMNS[0]: f"{facts['arena_bytes'] / 1000:.0f} kB arena, {integers}"}, facts)


def _smallest_arena(model: bytes, runtime) -> int:
    """Bytes, to a kB. Raises RuntimeError if it does not fit into LARGEST, or has operations that the interpreter lacks."""

    def fits(size: int) -> bool:
        try:
            runtime.Interpreter.from_bytes(model, arena_size=size)
        except RuntimeError:
            return False
        return True

    runtime.Interpreter.from_bytes(model, arena_size=LARGEST)
    low, high = 0, LARGEST // STEP  # `high` fits, `low` does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle * STEP) else (middle, high)
    return high * STEP


def _integers(images: np.ndarray, run) -> np.ndarray:
    return np.stack([run(image[np.newaxis]) for image in images]).astype(int)


def _litert(model: bytes, kernels):
    """LiteRT as a function: pixels -> the integers of all outputs, in the file's order, as tflite-micro has them."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    taken = interpreter.get_input_details()[0]["index"]
    given = [details["index"] for details in interpreter.get_output_details()]

    def run(pixels):
        interpreter.set_tensor(taken, pixels)
        interpreter.invoke()
        return np.concatenate([interpreter.get_tensor(number)[0] for number in given])

    return run


def _measure_here(path: str, images_path: str) -> dict:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    from tflite_micro import runtime

    model, images = Path(path).read_bytes(), np.load(images_path)
    arena = _smallest_arena(model, runtime)
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena)
    outputs = range(len(Interpreter(model_content=model).get_output_details()))

    def run(pixels):
        interpreter.set_input(pixels, 0)
        interpreter.invoke()
        return np.concatenate([interpreter.get_output(number)[0] for number in outputs])

    facts, found = {"arena_bytes": arena, "images": len(images)}, _integers(images, run)
    kernels = {"reference_kernels": OpResolverType.BUILTIN_REF, "litert": OpResolverType.AUTO}
    for name, kind in kernels.items():
        steps = np.abs(found - _integers(images, _litert(model, kind)))
        facts |= {f"same_as_{name}": float((steps == 0).mean()), f"most_steps_from_{name}": int(steps.max())}
    return facts


if __name__ == "__main__":
    print(json.dumps(_measure_here(*sys.argv[1:])))
