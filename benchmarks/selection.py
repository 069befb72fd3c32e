"""Which images to label: accuracy with few labels, chosen by each method of dogo-select, against as many drawn at random.

  python benchmarks/selection.py --runs=runs/seed0,runs/seed1,runs/seed2 --dataset=cifar10 --split='train[:10000]' \
      --out=results/selection.json --cache=/tmp/selection

How a method scored is kept in --cache: a measurement that was stopped goes on where it was.

For each run's encoder, method, seed of the selection and budget, a linear probe learns the labels of the chosen images and is
tested on all of --test_split. Scores are averaged over the seeds of the selection; intervals are over encoders and test images
(dogo_tf.evaluate.intervals), paired for differences. `uncertainty` needs labels: it begins with the random choice of the
smallest budget, and is asked again at every larger one.
"""

import argparse
import functools
import hashlib
import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from dogo_tf import data, selection
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.fine_tune import fine_tune
from dogo_tf.evaluate.intervals import accuracy_interval, difference_interval
from dogo_tf.evaluate.linear import fit_linear_probe
from dogo_tf.evaluate.sources import load_encoder
from dogo_tf.platform.files import temporary_sibling
from dogo_tf.reporting.provenance import record

FIRST_BY = "random"


def chosen(features, labels, method: str, budgets: list[int], seed: int) -> dict[int, np.ndarray]:
    """The rows to label for each budget, ascending budgets; nested."""
    if method != "uncertainty":
        rows = selection.select(features, budgets[-1], method, seed=seed).rows
        return {budget: rows[:budget] for budget in budgets}
    rows = selection.select(features, budgets[0], FIRST_BY, seed=seed).rows
    found = {budgets[0]: rows}
    for budget in budgets[1:]:
        more = selection.select(features, budget - len(rows), method, rows, labels[rows], seed=seed).rows
        rows = found[budget] = np.concatenate([rows, more])
    return found


def of_each_seed(features, labels, method: str, budgets: list[int], seeds: int) -> list[dict[int, np.ndarray]]:
    """`chosen` by seed; a method that chooses the same with two seeds draws nothing, and is not asked again."""
    found = [chosen(features, labels, method, budgets, seed) for seed in range(min(seeds, 2))]
    if len(found) == 2 and np.array_equal(found[0][budgets[-1]], found[1][budgets[-1]]):
        return found[:1] * seeds
    return found + [chosen(features, labels, method, budgets, seed) for seed in range(2, seeds)]


def linear(features, labels, rows, test_features, test_labels) -> np.ndarray:
    """bool [N]: which test images a probe of these rows gets right; of a class without a label none."""
    return fit_linear_probe(features[rows], labels[rows]).predict(test_features) == test_labels


def fine_tuned(encoder, train, rows, test) -> np.ndarray:
    """As `linear`, by fine-tuning."""
    known = np.isin(test.labels, train.labels[rows])
    right = np.zeros(len(test), bool)
    result = fine_tune(encoder, train.images[rows], train.labels[rows], test.images[known], test.labels[known], seed=0)
    right[known] = result.predictions == test.labels[known]
    return right


def summary(scores: dict, classes: dict) -> dict:
    """Of each method and budget; scores: [encoders, N], shares of right answers. classes: found among the labels, a mean."""
    numbers = {}
    for (method, budget), found in scores.items():
        entry = {
            "accuracy": accuracy_interval(np.array(found))._asdict(),
            "classes": float(np.mean(classes[method, budget])),
        }
        if method != "random":
            entry["over_random"] = difference_interval(found, scores["random", budget])._asdict()
        numbers.setdefault(method, {})[str(budget)] = entry
    return numbers


def of_run(
    run: str, args: argparse.Namespace, protocol: str, methods: list[str], budgets: list[int], seeds: int
) -> dict:
    """By method and budget: the mean over the seeds of which test images are answered right, [N], and of the classes found."""
    train, test = load(args)
    encoder = load_encoder(run, args.peer)
    features, test_features = (FeatureCache(args.cache).embed(encoder, part.images) for part in (train, test))
    known = {}  # some methods choose the same for every seed

    def score(rows):
        if rows.tobytes() not in known:
            known[rows.tobytes()] = (
                fine_tuned(encoder, train, rows, test)
                if protocol == "fine_tuned"
                else linear(features, train.labels, rows, test_features, test.labels)
            )
        return known[rows.tobytes()]

    found = {}
    for method in methods:
        key = [run, train.name, test.name, args.image_size, protocol, method, budgets, seeds]
        kept = args.cache / f"{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]}.npz"
        if not kept.is_file():
            of_seeds = of_each_seed(features, train.labels, method, budgets, seeds)
            shares, classes = [], []
            for budget in budgets:
                rows = [one[budget] for one in of_seeds]
                shares.append(np.mean([score(one) for one in rows], axis=0))
                classes.append(np.mean([len(np.unique(train.labels[one])) for one in rows]))
            with temporary_sibling(kept).open("wb") as file:
                np.savez(file, shares=shares, classes=classes)
            Path(file.name).replace(kept)
        with np.load(kept) as numbers:
            found |= {
                (method, budget): (share, count)
                for budget, share, count in zip(budgets, numbers["shares"], numbers["classes"], strict=True)
            }
        print(run, protocol, method, [f"{found[method, budget][0].mean():.4f}" for budget in budgets], flush=True)
    return found


def measured(args, protocol: str, methods: list[str], budgets: list[int], seeds: int) -> dict:
    ask = functools.partial(of_run, args=args, protocol=protocol, methods=methods, budgets=budgets, seeds=seeds)
    with ProcessPoolExecutor(len(args.runs), multiprocessing.get_context("spawn")) as processes:
        found = list(processes.map(ask, args.runs))
    scores, classes = ({key: [one[key][part] for one in found] for key in found[0]} for part in (0, 1))
    return summary(scores, classes)


def load(args) -> tuple:
    return tuple(
        data.load(args.dataset, split, args.image_size, args.data_dir) for split in (args.split, args.test_split)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=lambda words: words.split(","), required=True, help="folders of dogo-pretrain")
    parser.add_argument("--peer", default="wrn_10_1")
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--data_dir")
    parser.add_argument("--split", default="train[:10000]", help="what is chosen from")
    parser.add_argument("--test_split", default="test")
    parser.add_argument("--image_size", type=int, default=24)
    parser.add_argument("--budgets", type=whole_numbers, default=[20, 50, 100, 500])
    parser.add_argument("--seeds", type=int, default=10, help="of the selection")
    parser.add_argument("--methods", type=lambda words: words.split(","), default=selection.methods())
    parser.add_argument("--fine_tuned_budgets", type=whole_numbers, default=[], help="for random and the default")
    parser.add_argument("--fine_tuned_seeds", type=int, default=1)
    parser.add_argument("--cache", type=Path, required=True, help="folder that keeps features and scores")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    train, test = load(args)
    first = ["random", selection.DEFAULT]
    methods = first + [name for name in args.methods if name not in first]
    numbers = {
        "train": {"name": train.name, "images": len(train)},
        "test": {"name": test.name, "images": len(test)},
        "encoder": args.peer,
        "encoders": len(args.runs),
        "seeds": args.seeds,
        "default": selection.DEFAULT,
        "linear": measured(args, "linear", methods, args.budgets, args.seeds),
    }
    record(args.out, numbers)
    if args.fine_tuned_budgets:
        pair, seeds = ["random", selection.DEFAULT], args.fine_tuned_seeds
        numbers["fine_tuned_seeds"] = seeds
        numbers["fine_tuned"] = measured(args, "fine_tuned", pair, args.fine_tuned_budgets, seeds)
        record(args.out, numbers)


def whole_numbers(words: str) -> list[int]:
    return sorted(map(int, words.split(",")))


if __name__ == "__main__":
    main()
