"""ONNX, by tf2onnx from the SavedModel; run by ONNX Runtime and compared with the original before it is kept.

tf2onnx is looking for a maintainer and is tested by its authors up to TensorFlow 2.15. What is promised is what is measured:
this file, on these images, by this ONNX Runtime.
"""

from dataclasses import asdict

import numpy as np

from dogo_tf.evaluate.saved_model_encoder import INPUT, OUTPUT, SIGNATURE
from dogo_tf.export import parity
from dogo_tf.export.targets._work import Finding, Work, last_words, run_tool

COLUMNS = ("ONNX",)
MODULES = {"tf2onnx": "tf2onnx", "onnx": "onnx", "onnxruntime": "onnxruntime"}
OPSET = 17
BATCH = 32
LIMITS_OF = "float32"  # it computes in float32, too


def examine(work: Work) -> dict[str, Finding]:
    path = work.folder / f"{work.name}.onnx"
    words = ["--saved-model", work.saved_model, "--tag", "serve", "--signature_def", SIGNATURE]
    done = run_tool("tf2onnx.convert", *words, "--opset", OPSET, "--output", path)
    if done.returncode or not path.is_file():
        path.unlink(missing_ok=True)
        return {"saved_model": Finding(reason=f"tf2onnx cannot convert it: {last_words(done)}")}
    finding = _compare(path, work)
    if finding.reason:
        path.unlink()
    return {"saved_model": finding}


def _compare(path, work: Work) -> Finding:
    import onnxruntime

    try:
        found = parity.compare(work.reference, features(path, work.images))
    except Exception as error:  # ONNX Runtime's own types, which have no public names
        return Finding(
            reason=f"ONNX Runtime {onnxruntime.__version__} cannot run it: {' '.join(str(error).split())[:300]}"
        )
    facts = {"path": path.name, "size_bytes": path.stat().st_size, "opset": OPSET, "parity": asdict(found)}
    problems = parity.violations(found, LIMITS_OF)
    if problems:
        return Finding(
            facts=facts, reason=f"differs too much from the original, by the limits of {'; '.join(problems)}"
        )
    return Finding({COLUMNS[0]: f"{path.name}, {facts['size_bytes'] / 1000:.0f} kB"}, facts)


def features(path, images: np.ndarray) -> np.ndarray:
    """float32 [N, d] of uint8 images [N, H, W, 3], by ONNX Runtime on one thread of the processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4  # what goes wrong comes as an exception, too
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    parts = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    return np.concatenate([session.run([OUTPUT], {INPUT: part})[0] for part in parts])
