"""Exported files and runtime.py on an aarch64 Python under emulation: are the features those of x86?

  python benchmarks/arm.py --work=../arm --out=results/arm.json

float32 and float16 within 1e-5 of the largest feature, dynamic range within the limits of its own gate, int8 to the integer,
and every picture decoded and resized to the bit. Fails if one is not. Times under emulation say nothing and are not kept.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import numpy as np
from arm_system import WHEELS, ArmSystem
from PIL import Image

from dogo_tf import data, encoders
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import metadata, parity, runtime, tflite
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.platform.keras_compat import keras
from dogo_tf.reporting.provenance import record

# Every family of operations: plain and depthwise convolutions, ReLU6, hard-swish, squeeze-and-excitation, channel shuffle.
ENCODERS = "wrn_10_2:32,mobilenet_v2:64,mobilenet_v3_small:64,efficientnet_lite_b0:64,shufflenet_v2:64"
# Without the dot product of 8-bit integers, and with it. qemu's "max", with SVE and SME, takes hours.
PROCESSORS = ("cortex-a53", "cortex-a76")
FLOAT_TOLERANCE = 1e-5
PICTURES = 16
# On the emulated machine: the features of every file, by the path that a user takes.
SCRIPT = """
import json, pathlib, platform, sys
import numpy as np
import runtime
from importlib.metadata import version
assert platform.machine() == "aarch64"
here = pathlib.Path(sys.argv[1])
pictures = sorted(here.glob("*.png"))
for model in sorted(here.glob("*.tflite")):
    encoder = runtime.Encoder(model)
    pixels = [encoder._pixels(path) for path in pictures]
    np.savez(model.with_suffix(".npz"), pixels=pixels, features=encoder.features(pictures))
told = runtime.benchmark(model, pictures[0], calls=1)
print(json.dumps({"machine": told["device"]["machine"], "python": platform.python_version(),
                  **{name: version(name) for name in sys.argv[2:]}}))
"""


def make_files(specs: str, images: np.ndarray, folder: Path) -> None:
    """A .tflite of each encoder and format. Not trained, but with the batch statistics of images: arithmetic, not accuracy."""
    for spec in specs.split(","):
        name, _, size = spec.partition(":")
        keras.utils.set_random_seed(0)
        pixels = np.stack([runtime.to_square(Image.fromarray(image), int(size)) for image in images])
        encoder = encoders.build(name, image_size=int(size), pixel_mean=(128,) * 3, pixel_std=(64,) * 3)
        for layer in encoder._flatten_layers():
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.5
        for _ in range(12):
            encoder(pixels.astype(np.float32), training=True)
        saved = export_saved_model(encoder, folder / "saved" / name)
        for variant, content in tflite.convert(saved, calibration=pixels).items():
            outputs = TFLiteEncoder(content).stated_outputs
            told = metadata.describe(encoder, name, variant, content, outputs)
            metadata.write(folder / f"{name}-{variant}.tflite", content, told)


def compare(folder: Path, pictures: list[Path]) -> dict:
    """File -> how the features of the emulated machine differ from this one's; "passed" by the tolerance of the format."""
    found = {}
    for model in sorted(folder.glob("*.tflite")):
        encoder, variant = runtime.Encoder(model), model.stem.rpartition("-")[2]
        here = encoder.features(pictures)
        with np.load(model.with_suffix(".npz")) as arm:
            there, pixels = arm["features"], arm["pixels"]
        same_pixels = np.array_equal(pixels, [encoder._pixels(path) for path in pictures])
        difference = parity.compare(here, there)
        if variant == "int8":
            passed = np.array_equal(here, there)
        elif variant == "dynamic_range":
            passed = not parity.violations(difference, variant)
        else:
            passed = difference.relative_difference <= FLOAT_TOLERANCE
        found[model.stem] = {
            "relative_difference": difference.relative_difference,
            "equal_values": float((here == there).mean()),
            "same_pixels": same_pixels,
            "passed": bool(passed and same_pixels),
        }
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, required=True, help="for the aarch64 system, 400 MB, kept for the next time"
    )
    parser.add_argument("--encoders", default=ENCODERS, help="name:pixels of each")
    parser.add_argument("--keep", action="store_true", help="take the files of the last time again")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    system = ArmSystem(asked.work)
    folder = asked.work / "files"
    if not asked.keep:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    shutil.copy(runtime.__file__, asked.work / "runtime.py")
    (asked.work / "script.py").write_text(SCRIPT)
    images = data.load("patterns", "train[:128]").images
    pictures = [folder / f"{number:02}.png" for number in range(PICTURES)]
    for path, image in zip(pictures, images, strict=False):
        Image.fromarray(image).resize((90, 70)).save(path)
    if not asked.keep:
        make_files(asked.encoders, images, folder)
    found = {}
    for processor in PROCESSORS:
        printed = system.python(processor, asked.work.resolve() / "script.py", folder.resolve(), *WHEELS)
        machine = json.loads(printed.splitlines()[-1])
        found[processor] = compare(folder, pictures)
        for name, row in found[processor].items():
            print(
                f"{processor:10} {name:34} {row['relative_difference']:.0e} {'passed' if row['passed'] else 'FAILED'}"
            )
    passed = all(row["passed"] for rows in found.values() for row in rows.values())
    if asked.out:
        numbers = {"arm": machine, "pictures": PICTURES, "float_tolerance": FLOAT_TOLERANCE, "processors": found}
        record(asked.out, {**numbers, "passed": passed})
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
