"""Classifiers of few and of wrong labels: pre-trained alone, next to a peer, taught by a fine-tuned big one, from scratch.

  python benchmarks/finetune.py --encoders='alone=runs/alone-seed{seed}#wrn_10_1,peer=runs/pair-seed{seed}#wrn_10_1' \
      --big=runs/teacher#wrn_16_2 --conditions=labels:0.01,symmetric:0.4 --out=results/finetune.json --work=runs/finetune

Arms, by each of --methods: `scratch` (random weights, --scratch_steps); `scratch_longer`, the same at the same rate for
--scratch_longer_steps, say as many as pre-training and fine-tuning cost together; the names in --encoders; `<name>+big`, next
to the big encoder, each teaching the other; `<name><big`, taught on all images by the big one, fine-tuned on the same labels
before.
Conditions: labels:<share>; <kind of noise>:<share of wrong labels> with all labels; exponential:<share>, where classes become
rarer one by one and the last has that share of the first one's images. All arms of a seed get the same labels.
Scores are on the whole test set, once, by the weights of the last step. Of several --scratch_rates the one is taken that is
best on held-out training images, by condition, with the first seed; what is pre-trained learns at --learning_rate. What is
finished in --work is not trained again, and all of it is in --out: call it several times for conditions that want other numbers
of steps.
"""

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np

from dogo_tf import data
from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.imbalance import imbalanced_indices
from dogo_tf.data.label_noise import noisy_labels
from dogo_tf.data.labels import stratified_fraction
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.intervals import accuracy_interval, difference_interval
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.finetuning.without_folder import trained_with
from dogo_tf.platform.files import write_atomically
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining import precision
from dogo_tf.reporting.provenance import record

SCRATCH, LONGER, PLAIN = "scratch", "scratch_longer", "cross_entropy"
METHODS = {
    PLAIN: {},
    "generalised_cross_entropy": {"loss": "generalised_cross_entropy"},
    "drop_suspects": {"drop_suspects": True},
    "logit_adjustment": {"logit_adjustment": True},
}
CLASSIFIER = "classifier"  # the learner that is scored


def labelled_part(train: ImageSet, condition: str, seed: int) -> ImageSet:
    """The images that have labels in this condition, with these labels."""
    kind, _, share = condition.partition(":")
    rows, labels = np.arange(len(train)), train.labels
    if kind == "labels":
        rows = stratified_fraction(labels, float(share), seed)
    elif kind == "exponential":
        largest = int(np.bincount(labels).min())
        rows = imbalanced_indices(labels, kind, largest, max(1, round(largest * float(share))), seed)
    else:
        labels = noisy_labels(labels, float(share), kind, len(train.class_names), seed).labels
    return ImageSet(f"{train.name}, {condition}", train.images[rows], labels[rows], train.class_names)


def fine_tuned(settings: FinetuneSettings, labelled: ImageSet, unlabelled) -> keras.Model:
    """The classifier as dogo-finetune would save it. unlabelled: an ImageSet, or None."""
    keras.backend.clear_session()
    with precision.policy(settings.precision):
        return trained_with(settings, labelled, unlabelled)[CLASSIFIER]


def scratch_rate(args, condition: str, train: ImageSet, held_out: ImageSet) -> float:
    """Of --scratch_rates the best one, kept in --work with the accuracies of all."""
    if len(args.scratch_rates) == 1:
        return args.scratch_rates[0]
    kept = args.work / f"rates-{condition.replace(':', '_')}.json"
    if not kept.exists():
        labelled, found = labelled_part(train, condition, args.seeds[0]), {}
        for rate in args.scratch_rates:
            settings = FinetuneSettings(
                encoder=(f"{CLASSIFIER}={args.scratch}",),
                steps=args.scratch_steps,
                learning_rate=rate,
                **common_settings(args, PLAIN, args.seeds[0]),
            )
            classifier = fine_tuned(settings, labelled, None)
            found[f"{rate:g}"] = float(np.mean(embed(classifier, held_out.images).argmax(axis=1) == held_out.labels))
        print(f"{condition}, {SCRATCH}, held-out images: {found}", flush=True)
        write_atomically(kept, json.dumps({"condition": condition, "seed": args.seeds[0], "accuracy": found}).encode())
    found = json.loads(kept.read_text())["accuracy"]
    return float(max(found, key=found.get))


def common_settings(args, method: str, seed: int) -> dict:
    same = {"dataset": args.dataset, "run_dir": "", "precision": "mixed_bfloat16", "batch_size": args.batch_size}
    return {**same, "seed": seed, **METHODS[method]}


def trial(args, arm: str, method: str, condition: str, seed: int, train: ImageSet, test: ImageSet, held_out) -> None:
    """Keeps in --work which test images are answered right."""
    name = f"{arm.replace('<', '_by_').replace('+', '_and_')}-{method}-{condition.replace(':', '_')}-seed{seed}"
    kept = args.work / f"{name}.json"
    if kept.exists():
        return
    started = time.perf_counter()
    labelled, common = labelled_part(train, condition, seed), common_settings(args, method, seed)
    encoder, teachers, unlabelled = arm.partition("+")[0].partition("<")[0], (), None
    if "<" in arm:
        big = args.work / f"big-{method}-{condition.replace(':', '_')}-seed{seed}.keras"
        if not big.exists():
            of_big = {
                "encoder": (f"{CLASSIFIER}={args.big}",),
                "steps": args.steps,
                "learning_rate": args.learning_rate,
            }
            fine_tuned(FinetuneSettings(**common, **of_big), labelled, None).save(big, save_format="keras")
        teachers, unlabelled = (f"big={big}",), train
    if encoder in (SCRATCH, LONGER):
        steps = args.scratch_steps if encoder == SCRATCH else args.scratch_longer_steps
        places = (f"{CLASSIFIER}={args.scratch}",)
        rate = scratch_rate(args, condition, train, held_out)
    else:
        places, steps, rate = (
            (f"{CLASSIFIER}={args.encoders[encoder].format(seed=seed)}",),
            args.steps,
            args.learning_rate,
        )
        places += (f"big={args.big}",) if "+" in arm else ()
    own = {"encoder": places, "teachers": teachers, "steps": steps, "learning_rate": rate}
    classifier = fine_tuned(FinetuneSettings(**common, **own), labelled, unlabelled)
    right = embed(classifier, test.images).argmax(axis=1) == test.labels
    seconds = round(time.perf_counter() - started, 1)
    about = {"condition": condition, "arm": arm, "method": method, "seed": seed, "steps": steps, "rate": rate}
    numbers = {**about, "seconds": seconds, "accuracy": float(right.mean()), "right": right.astype(int).tolist()}
    write_atomically(kept, json.dumps(numbers).encode())
    print(f"{name}: {right.mean():.4f} after {seconds:.0f} s", flush=True)


def summary(work: Path) -> dict:
    """Of all finished trials, by condition and arm."""
    found, steps, rates, numbers = {}, {}, {}, {}
    for path in sorted(work.glob("*-seed*.json")):
        one = json.loads(path.read_text())
        key = one["condition"], one["arm"], one["method"]
        found.setdefault(key, {})[one["seed"]] = one["right"]
        steps.setdefault(key, set()).add(one["steps"])
        rates.setdefault(key, set()).add(one["rate"])
    for (condition, arm, method), of_seeds in found.items():
        scores = np.array([of_seeds[seed] for seed in sorted(of_seeds)], float)
        key = condition, arm, method
        entry = {"seeds": sorted(of_seeds), "steps": sorted(steps[key]), "learning_rates": sorted(rates[key])}
        entry["accuracy"] = accuracy_interval(scores)._asdict()
        others = {"over_scratch": (SCRATCH, PLAIN), "over_longer": (LONGER, PLAIN), "over_plain": (arm, PLAIN)}
        for name, other in others.items():
            theirs = found.get((condition, *other), {})
            common = sorted(of_seeds.keys() & theirs.keys())
            if common and other != (arm, method):
                pair = (np.array([scores_of[seed] for seed in common], float) for scores_of in (of_seeds, theirs))
                entry[name] = difference_interval(*pair)._asdict()
        numbers.setdefault(condition, {})[f"{arm}, {method}"] = entry
    return numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoders", type=named, required=True, help="name=place each; {seed} stands for the seed")
    parser.add_argument("--big", required=True, help="place of the big encoder")
    parser.add_argument("--scratch", default="wrn_10_1", help="encoder that begins with random weights")
    parser.add_argument("--arms", type=words, default=["scratch"], help="a list")
    parser.add_argument("--methods", type=words, default=[PLAIN], help=f"a list of {', '.join(METHODS)}")
    parser.add_argument("--conditions", type=words, required=True)
    parser.add_argument("--seeds", type=lambda text: list(map(int, text.split(","))), default=[0, 1, 2])
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--data_dir")
    parser.add_argument("--split", default="train[:10000]")
    parser.add_argument("--image_size", type=int, default=24)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--learning_rate", type=float, default=3e-3)
    parser.add_argument("--scratch_steps", type=int, default=1000)
    parser.add_argument("--scratch_longer_steps", type=int, default=7500)
    parser.add_argument("--scratch_rates", type=lambda text: list(map(float, text.split(","))), default=[5e-3])
    parser.add_argument("--held_out", default="train[45000:]", help="split to choose among --scratch_rates on")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--work", type=Path, default=Path("runs/finetune"))
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    splits = args.split, "test", args.held_out
    train, test, held_out = (data.load(args.dataset, split, args.image_size, args.data_dir) for split in splits)
    args.work.mkdir(parents=True, exist_ok=True)
    for seed in args.seeds:
        for condition in args.conditions:
            for arm, method in itertools.product(args.arms, args.methods):
                trial(args, arm, method, condition, seed, train, test, held_out)
                settings = {"encoders": args.encoders, "big": args.big, "scratch": args.scratch}
                settings |= {"image_size": args.image_size, "batch_size": args.batch_size}
                chosen = [json.loads(path.read_text()) for path in sorted(args.work.glob("rates-*.json"))]
                numbers = {"train": train.name, "test": test.name, "held_out": held_out.name, "settings": settings}
                record(args.out, {**numbers, "scratch_rates": chosen, "conditions": summary(args.work)})


def words(text: str) -> list[str]:
    return text.split(",")


def named(text: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in text.split(","))


if __name__ == "__main__":
    main()
