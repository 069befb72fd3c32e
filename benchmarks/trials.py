"""Trainings that differ in a few flags, scored on training images that were held out; with --final also on the test set.

  python benchmarks/trials.py benchmarks/trials_recipe.txt --out=results/trials_recipe.json --work=runs/trials --seeds=0,1,2

The file holds a trial a line, `name: flags of dogo-pretrain`; the line `all:` holds those of every trial. Lines with # are
remarks. {seed} is the seed and {work} the folder of the trials, so that one may begin with what another ended with
(--init=wrn_10_1={work}/alone-seed{seed}). Each encoder of a trial, also the average of --ema, is scored by kNN and by linear
probes with all, with 10 % and with 1 % of the labels, with 40 % of them wrong, with imbalanced classes, and on 500 corrupted
images (before commit 5eb98fa the first ones, then of each class its share). Choose by the held-out images; --final is for what
is chosen. What is found finished in --work is not trained again, and what was broken off goes on, so the command may be
stopped and repeated. A training that dogo-pretrain itself stops, as it learns nothing, is noted apart, in `stopped`.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from run_settings import settings_of

from dogo_tf import data
from dogo_tf.comparison.costs import whole_gflop
from dogo_tf.evaluate.studies import StudyPlan, run_studies
from dogo_tf.experiments.app import EXIT_TRAINING_FAILURE
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.provenance import provenance, record
from dogo_tf.runs.folder import RunFolder

PLAN = StudyPlan(
    fractions=(1.0, 0.1, 0.01), noise=(("symmetric", 0.4),), imbalance=("exponential",), corruption_images=500
)
SCORES = {
    "knn": "knn",
    "linear_100": "linear 100%",
    "linear_10": "linear 10%",
    "linear_1": "linear 1%",
    "noise_40": "noise symmetric 40%",
    "imbalanced": "imbalance exponential",
    "corrupted": "corruption all",
}
PRETRAIN = Path(sys.executable).with_name("dogo-pretrain")


def read_trials(path: Path) -> tuple[list[str], dict[str, list[str]]]:
    """The flags of all trials, and those of each by its name."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    named = dict(line.split(":", 1) for line in lines if line and not line.startswith("#"))
    flags = {name: words.split() for name, words in named.items()}
    return flags.pop("all", []), flags


def score(encoder, train, asked, seed: int) -> dict:
    """Accuracies on `asked`, 0..1, by the names of SCORES; see evaluate.studies."""
    found = run_studies(encoder, train, asked, PLAN, seed)
    return {name: float(found[study].mean()) for name, study in SCORES.items()}


def trial(name: str, flags: list[str], seed: int, work: Path, train, sets: dict, scored: list[str] | None) -> None:
    """Trains one and scores its encoders on `sets` {"scores" or "test_scores": images}, but for what an earlier call did."""
    folder, kept = work / f"{name}-seed{seed}", work / f"{name}-seed{seed}.json"
    result = json.loads(kept.read_text()) if kept.exists() else {"name": name, "flags": flags, "seed": seed}
    if result["flags"] != flags:
        raise SystemExit(f"{kept}: was trained with {' '.join(result['flags'])}; call the new trial otherwise")
    run = RunFolder(folder)
    if not kept.exists():
        started = time.perf_counter()
        again = ["--resume"] if (folder / "config.json").exists() else []
        # Of all trials alike, also of those from before the pictures were kept larger.
        kept_at = f"--store_size={train.images.shape[1]}"
        ended = subprocess.run([PRETRAIN, kept_at, *flags, f"--seed={seed}", f"--run_dir={folder}", *again])
        if ended.returncode != EXIT_TRAINING_FAILURE:
            ended.check_returncode()
        result |= {"commit": provenance()["commit"], "seconds": time.perf_counter() - started}
        if ended.returncode:
            result["stopped"] = True
    if "stopped" not in result:
        _measure(result, run, train, sets, scored)
    write_atomically(kept, (json.dumps(result, indent=1) + "\n").encode())


def _measure(result: dict, run: RunFolder, train, sets: dict, scored: list[str] | None) -> None:
    if "train_gflop" not in result:
        result["train_gflop"] = operations(run)
    name, seed = result["name"], result["seed"]
    for key in sets.keys() - result.keys():
        names = scored or run.peer_names()
        result[key] = {peer: score(run.load_encoder(peer), train, sets[key], seed) for peer in names}
        for peer, found in result[key].items():
            print(f"{name} {seed} {peer} {key}", *(f"{what} {value:.4f}" for what, value in found.items()), flush=True)


def operations(run: RunFolder) -> float:
    """What all peers of a run computed in training; without frozen teachers."""
    data_of_run = run.config()["data"]
    return data_of_run["images"] * whole_gflop(settings_of(run), data_of_run["image_size"])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("trials", type=Path)
    arguments.add_argument("--only", help="names of trials, a list; all if not given")
    arguments.add_argument("--seeds", default="0", help="a list, e.g. 0,1,2")
    arguments.add_argument("--dataset", default="cifar10")
    arguments.add_argument("--data_dir")
    arguments.add_argument("--image_size", type=int, default=24)
    arguments.add_argument(
        "--images", type=int, default=10_000, help="the first training images, with labels for probes"
    )
    arguments.add_argument("--held_out", type=int, default=5_000, help="the last training images, to score on")
    arguments.add_argument("--final", action="store_true", help="score on the test set, too")
    arguments.add_argument("--scored", type=lambda words: words.split(","), help="encoders, a list; all if not given")
    arguments.add_argument("--work", type=Path, default=Path("runs/trials"))
    arguments.add_argument("--out", type=Path, required=True)
    args = arguments.parse_args()
    count = len(data.load(args.dataset, "train", data_dir=args.data_dir).images)
    splits = f"train[:{args.images}]", f"train[{count - args.held_out}:]"
    train, held_out = (data.load(args.dataset, split, args.image_size, args.data_dir) for split in splits)
    sets = {"scores": held_out}
    if args.final:
        sets["test_scores"] = data.load(args.dataset, "test", args.image_size, args.data_dir)
    args.work.mkdir(parents=True, exist_ok=True)
    common, trials = read_trials(args.trials)
    common += [f"--dataset={args.dataset}", f"--image_size={args.image_size}"]
    common += [f"--data_dir={args.data_dir}"] if args.data_dir else []
    for seed in map(int, args.seeds.split(",")):
        for name in args.only.split(",") if args.only else trials:
            flags = [flag.format(seed=seed, work=args.work) for flag in common + trials[name]]
            trial(name, flags, seed, args.work, train, sets, args.scored)
            finished = [json.loads(path.read_text()) for path in sorted(args.work.glob("*-seed*.json"))]
            ours = [result for result in finished if result["name"] in trials]
            done = {"trials": [result for result in ours if "stopped" not in result]}
            stopped = [result for result in ours if "stopped" in result]
            record(args.out, done | ({"stopped": stopped} if stopped else {}))


if __name__ == "__main__":
    main()
