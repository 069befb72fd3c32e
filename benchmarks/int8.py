"""What int8 costs an encoder: with the converter's ranges, with ranges chosen by error, and after int8_qat.

  python benchmarks/int8.py --runs ../int8_runs/mobilenet_v2 ../int8_runs/wrn_10_2 --out=results/int8.json

Each run of dogo-pretrain has one peer; its own data set is read again, at its own size. Held-out numbers of each file against
the original, for several draws of the calibration images, with the seconds that each step takes; and of the first draw what
microcontrollers and accelerators make of the file, its time next to float32, and the operations that take it. The results are
written after every encoder, and those of other encoders in the file are kept.
"""

import argparse
import json
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from operator_times import by_kind

import dogo_tf
from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.tflite_encoder import TFLiteEncoder
from dogo_tf.export import accuracy, calibration, latency, parity, qat, target_report, tflite
from dogo_tf.export.int8 import calibrated
from dogo_tf.export.saved_model import export_saved_model
from dogo_tf.export.targets._work import Work
from dogo_tf.reporting.provenance import record
from dogo_tf.runs.folder import RunFolder

# Points of accuracy, without the allowance for chance that the gate makes; and the size, both next to the original.
MOST_LOST, LARGEST = 0.01, 0.35
TARGETS = ("ethos_u", "microcontroller")


class Measured:
    """One encoder on its data: its original, and what its int8 files are worth."""

    def __init__(self, encoder, train, test):
        self.encoder, self.train, self.test = encoder, train, test
        self.learned, self.reference = embed(encoder, train.images), embed(encoder, test.images)
        self.judge = accuracy.Judge(train, test, self.learned, self.reference)

    def original(self) -> dict:
        return {name: score.accuracy for name, score in self.judge.reference().items()}

    def file(self, content: bytes, size_ratio: float, seconds: float) -> dict:
        """Agreement with the original, accuracies and whether all of it is within the limits."""
        encoder = TFLiteEncoder(content)
        features = embed(encoder, self.test.images)
        agreement = parity.compare(self.reference, features)
        scores = self.judge.scores(embed(encoder, self.train.images), features)
        lost = max(score.lost for score in scores.values())
        passed = not parity.violations(agreement, "int8") and lost <= MOST_LOST and size_ratio <= LARGEST
        told = {name: asdict(score) for name, score in scores.items()}
        return {**asdict(agreement), "scores": told, "size_ratio": size_ratio, "passed": passed, "seconds": seconds}

    def draws(self, saved_model: Path, seeds: int, settings: qat.Settings) -> tuple[dict, dict[str, bytes]]:
        """(method -> what each draw of the calibration images gave, files of the first draw)."""
        found, first = {"converter": [], "ranges by error": [], "int8_qat": []}, {}

        def add(method, content, seconds, details=None):
            ratio = len(content) / len(files["float32"])
            try:
                measured = self.file(content, ratio, seconds)
            except InputError as error:
                measured = {"refused": str(error), "size_ratio": ratio, "passed": False, "seconds": seconds}
            found[method].append(measured | (details or {}))
            _say(method, found[method][-1])

        for seed in range(seeds):
            chosen = calibration.choose(self.train.images, seed=seed)
            start = time.perf_counter()
            files = tflite.convert(saved_model, ("float32", "int8"), chosen.images)
            add("converter", files["int8"], time.perf_counter() - start)
            start = time.perf_counter()
            judging = embed(self.encoder, chosen.judging)
            best = calibrated.best(files["int8"], files["float32"], chosen.images, chosen.judging, judging)
            add("ranges by error", best.content, time.perf_counter() - start, best.as_dict())
            known, held_out = (self.train.images, self.learned), (chosen.judging, judging)
            trained = qat.train(best.content, files["float32"], *known, *held_out, settings, seed, chosen.learning)
            details = trained.as_dict()
            add("int8_qat", trained.content, details.pop("seconds"), details)
            first = first or {"float32": files["float32"], "int8": best.content}
        return found, first

    def devices(self, folder: Path, saved_model: Path, files: dict[str, bytes]) -> dict:
        """The int8 file elsewhere, and its time next to float32; the file of int8_qat has the same operations."""
        path = folder / "int8.tflite"
        path.write_bytes(files["int8"])
        images = self.test.images[:64]
        work = Work(folder, "encoder", saved_model, {"int8": path}, images, self.reference[: len(images)])
        times, load = latency.measure(files, images[0]), latency.load()
        return {
            "targets": target_report.examine(TARGETS, work),
            "latency": {"ratio": times["int8"].ratio, **load},
            "milliseconds_by_kind": {name: by_kind(content, images[0]) for name, content in files.items()},
        }


def measure(encoder, train, test, seeds: int, settings: qat.Settings, devices: bool = True) -> dict:
    measured = Measured(encoder, train, test)
    with tempfile.TemporaryDirectory() as folder:
        saved_model = export_saved_model(encoder, Path(folder) / "saved_model")
        found, files = measured.draws(saved_model, seeds, settings)
        told = {"original": measured.original(), "methods": found}
        return told | (measured.devices(Path(folder), saved_model, files) if devices else {})


def of_run(place: str, test_split: str, counts: tuple[int, int]):
    """(encoder, images of its training, others, facts about both); `counts` images are drawn of each.

    place: the folder of a run with one peer, or folder#peer.
    """
    folder, _, peer = place.partition("#")
    run = RunFolder(folder)
    if not peer:
        (peer,) = run.peer_names()
    settings = run.config()["settings"]
    place = settings["dataset"], settings["image_size"], settings["data_dir"]
    splits = settings["split"], test_split
    sets = [drawn(dogo_tf.data.load(place[0], split, *place[1:]), n) for split, n in zip(splits, counts, strict=True)]
    told = {"name": Path(sets[0].name).name, "images": len(sets[0].images), "test_images": len(sets[1].images)}
    trained = {key: settings[key] for key in ("image_size", "batch_size", "learning_rate", "seed")}
    trained |= {"steps": steps(run), "images": run.config()["data"]["images"]}
    return run.load_encoder(peer), *sets, {"data": told, "training": trained}


def drawn(data: ImageSet, count: int) -> ImageSet:
    """`count` of the images at random: a folder's are sorted by class."""
    rows = np.sort(np.random.default_rng(0).permutation(len(data.images))[:count])
    return replace(data, images=data.images[rows], labels=data.labels[rows])


def steps(run: RunFolder) -> int:
    """That a run has behind it; it may have been stopped before its last epoch."""
    return json.loads(run.metrics.read_text().splitlines()[-1])["step"]


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_images", type=int, default=2000, help="to calibrate on, to train on, and with labels")
    parser.add_argument("--test_images", type=int, default=1000, help="others, to compare on")
    parser.add_argument("--seeds", type=int, default=3, help="draws of the calibration images")
    for name, value in asdict(qat.Settings()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"of int8_qat ({value})")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    return parser


def qat_settings(asked) -> qat.Settings:
    return qat.Settings(**{name: getattr(asked, name) for name in asdict(qat.Settings())})


def _say(method: str, row: dict) -> None:
    if "refused" in row:
        print(f"  {method}: {row['refused']}", flush=True)
        return
    lost = ", ".join(f"{name} {-100 * score['lost']:+.1f} points" for name, score in row["scores"].items())
    print(
        f"  {method}: E {row['error_ratio']:.4f}, {100 * row['neighbour_overlap']:.0f} % of the neighbours, {lost}, "
        f"{'passed' if row['passed'] else 'FAILED'}, {row['seconds']:.0f} s",
        flush=True,
    )


def main():
    parser = arguments(__doc__)
    parser.add_argument("--runs", nargs="+", required=True, help="folders of dogo-pretrain, or folder#peer")
    parser.add_argument("--test", nargs="+", default=["test"], help="split of others, for all or for each run")
    asked = parser.parse_args()
    tests = asked.test * len(asked.runs) if len(asked.test) == 1 else asked.test
    encoders = json.loads(asked.out.read_text())["encoders"] if asked.out.exists() else {}
    for folder, test in zip(asked.runs, tests, strict=True):
        encoder, train, others, facts = of_run(folder, test, (asked.train_images, asked.test_images))
        print(encoder.name, flush=True)
        encoders[encoder.name] = facts | measure(encoder, train, others, asked.seeds, qat_settings(asked))
        record(asked.out, {"settings": asdict(qat_settings(asked)), "encoders": encoders})


if __name__ == "__main__":
    main()
