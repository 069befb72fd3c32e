"""Which of a few known pictures is a new one most like? Runs on the device, without TensorFlow.

On the device: pip install ai-edge-litert numpy pillow; copy export/runtime.py, this file and a .tflite (with its .json).

  python device.py small_float16.tflite new.jpg known/*.jpg
"""

import sys

from runtime import Encoder


def main(model: str, query: str, *known: str) -> None:
    encoder = Encoder(model)
    cosines = encoder.features(list(known), normalise=True) @ encoder.features(query, normalise=True)[0]
    for cosine, name in sorted(zip(cosines.tolist(), known, strict=True), reverse=True)[:5]:
        print(f"{cosine:.3f}  {name}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
