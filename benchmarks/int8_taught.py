"""Do encoders that were taught lose more in int8 than those trained alone? Reported of another library; here paired by seed.

  python benchmarks/int8_taught.py --alone=../study_trials/alone-seed{} --taught=../study_trials/cached_4-seed{} \\
      --out=results/int8_taught.json

Both runs of a seed differ in the teacher or peer only. What int8 costs each is measured as by int8.py; the differences are of
the means over the draws of the calibration images.
"""

from dataclasses import asdict

import numpy as np
import scipy.stats
from int8 import arguments, measure, of_run, qat_settings

from dogo_tf.reporting.provenance import record
from dogo_tf.runs.folder import RunFolder

MEASURES = {
    "E": lambda row: row["error_ratio"],
    "neighbours": lambda row: row["neighbour_overlap"],
    "knn_lost": lambda row: row["scores"]["knn"]["lost"],
    "linear_lost": lambda row: row["scores"]["linear"]["lost"],
}


def means(draws: list[dict]) -> dict[str, float]:
    return {name: float(np.mean([value(row) for row in draws])) for name, value in MEASURES.items()}


def paired(taught: list[float], alone: list[float]) -> dict[str, float]:
    """Mean of taught - alone with its 95 % interval by Student's t; one value a seed."""
    differences = np.subtract(taught, alone)
    margin = scipy.stats.t.ppf(0.975, len(differences) - 1) * scipy.stats.sem(differences)
    mean = float(differences.mean())
    return {"mean": mean, "low": mean - float(margin), "high": mean + float(margin)}


def main():
    parser = arguments(__doc__)
    for arm in ("alone", "taught"):
        parser.add_argument(f"--{arm}", required=True, help="run folders, or folder#peer; {} stands for the seed")
    parser.add_argument("--training_seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    found, facts = {"alone": {}, "taught": {}}, {}
    for seed in asked.training_seeds:
        for arm, methods in found.items():
            place = getattr(asked, arm).format(seed)
            encoder, train, test, facts[arm] = of_run(place, "test", (asked.train_images, asked.test_images))
            facts[arm]["training"].pop("seed")
            settings = RunFolder(place.partition("#")[0]).config()["settings"]
            facts[arm]["peers"] = settings["peers"]
            facts[arm]["teachers"] = [teacher.partition("#")[2] for teacher in settings["teachers"]]
            print(arm, seed, flush=True)
            measured = measure(encoder, train, test, asked.seeds, qat_settings(asked), devices=False)
            for method, draws in measured["methods"].items():
                methods.setdefault(method, []).append(means(draws))
    differences = {
        method: {
            name: paired(*([row[name] for row in found[arm][method]] for arm in ("taught", "alone")))
            for name in MEASURES
        }
        for method in found["alone"]
    }
    told = {"settings": asdict(qat_settings(asked)), "draws": asked.seeds, "training_seeds": asked.training_seeds}
    record(asked.out, {**told, "arms": facts, "found": found, "differences": differences})


if __name__ == "__main__":
    main()
