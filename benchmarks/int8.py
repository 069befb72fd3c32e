"""What int8 costs an encoder: with the converter's ranges, with ranges chosen by error, and trained under rounding (int8_qat).

  python benchmarks/int8.py --encoders=runs/v3/encoders/mobilenet_v3_small.keras --dataset=cifar10 --image_size=64

Held-out numbers of each file against the original, for several draws of the calibration images; seconds that each step takes.
"""

import argparse
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import dogo_tf
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.knn import knn_accuracy
from dogo_tf.evaluate.sources import load_encoder
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import calibration, parity, qat, tflite
from dogo_tf.export.int8 import calibrated
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.reporting.provenance import record


def measure(encoder, train, test, seeds: int, settings: qat.Settings) -> dict:
    """Method -> what each draw of the calibration images gave."""
    reference, learned = embed(encoder, test.images), embed(encoder, train.images)
    original = knn_accuracy(learned, train.labels, reference, test.labels).accuracy
    found = {"original": [{"knn": original}], "converter": [], "ranges by error": [], "int8_qat": []}

    def add(method, content, seconds, **details):
        file = TFLiteEncoder(content)
        features = embed(file, test.images)
        agreement = parity.compare(reference, features)
        accuracy = knn_accuracy(embed(file, train.images), train.labels, features, test.labels).accuracy
        problems = parity.violations(agreement, "int8")
        found[method].append(
            {**asdict(agreement), "knn": accuracy, "passed": not problems, "seconds": seconds, **details}
        )
        print(
            f"  {method}: E {agreement.error_ratio:.4f}, {100 * agreement.neighbour_overlap:.0f} % of the neighbours, ",
            end="",
        )
        print(f"kNN {100 * accuracy:.1f} % (original {100 * original:.1f} %), {seconds:.0f} s {details}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        saved_model = export_saved_model(encoder, Path(folder) / "saved_model")
        for seed in range(seeds):
            chosen = calibration.choose(train.images, seed=seed)
            start = time.perf_counter()
            files = tflite.convert(saved_model, ("float32", "int8"), chosen.images)
            add("converter", files["int8"], time.perf_counter() - start)
            start = time.perf_counter()
            judging = embed(encoder, chosen.judging)
            best = calibrated.best(files["int8"], files["float32"], chosen.images, chosen.judging, judging)
            add("ranges by error", best.content, time.perf_counter() - start, **best.as_dict())
            trained = qat.train(best.content, files["float32"], train.images, learned, settings, seed)
            add("int8_qat", trained.content, **trained.as_dict())
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--encoders", nargs="+", required=True, help=".keras files")
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--data_dir")
    parser.add_argument("--image_size", type=int, default=64)
    parser.add_argument("--train", default="train[:2000]")
    parser.add_argument("--test", default="test[:1000]")
    parser.add_argument("--seeds", type=int, default=3, help="draws of the calibration images")
    for name, value in asdict(qat.Settings()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help="of int8_qat")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    settings = qat.Settings(**{name: getattr(arguments, name) for name in asdict(qat.Settings())})
    train, test = (
        dogo_tf.data.load(arguments.dataset, split, arguments.image_size, arguments.data_dir)
        for split in (arguments.train, arguments.test)
    )
    encoders = {}
    for path in map(Path, arguments.encoders):
        print(path.stem, flush=True)
        encoders[path.stem] = measure(load_encoder(path), train, test, arguments.seeds, settings)
    if arguments.out:
        told = {name: str(value) for name, value in vars(arguments).items() if name not in ("out", "encoders")}
        record(arguments.out, {**told, "encoders": encoders})


if __name__ == "__main__":
    main()
