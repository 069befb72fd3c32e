"""A summary for machines: summary.json and summary.csv. Accuracies and differences are shares, 0..1 and -1..1."""

import json

from dogo_tf.comparison.answer import Answer
from dogo_tf.comparison.summary import Difference, Summary
from dogo_tf.evaluate.intervals import Interval
from dogo_tf.reporting.plain_text import csv_bytes

COLUMNS = (
    *("kind", "study", "arm", "minus", "mean", "low", "high", "verdict", "seeds", "images"),
    *("seeds_error", "images_error", "per_seed", "p_value", "adjusted_p", "seeds_needed"),
)


def as_json(summary: Summary, answer: Answer, settings: dict, provenance: dict) -> str:
    """Everything of the report. Values of settings and provenance that JSON does not know are written as text."""
    content = {
        "answer": answer._asdict(),
        "verdict": answer.text.splitlines(),
        "settings": settings,
        "provenance": provenance,
        "seeds": summary.seeds,
        "costs": {arm: cost._asdict() for arm, cost in summary.costs.items()},
        "studies": [
            {
                "study": study.study.name,
                "title": study.study.title,
                "test_images": study.images,
                "accuracy": {
                    arm: {**score.interval._asdict(), "per_seed": score.per_seed} for arm, score in study.arms.items()
                },
                "differences": {
                    name: {**found.interval._asdict(), **_test(found), "per_seed": found.per_seed}
                    for name, found in study.differences.items()
                },
            }
            for study in summary.studies
        ],
    }
    return json.dumps(content, indent=1, default=str) + "\n"


def as_csv(summary: Summary) -> bytes:
    """A row per study and arm (kind "accuracy") and per study and comparison (kind "difference": `arm` - `minus`).

    seeds: how many; per_seed: "seed:value" separated by spaces; seeds_error is empty where there is one seed.
    adjusted_p: corrected for the number of tests.
    """
    rows = []
    for study in summary.studies:
        shared = {"study": study.study.name, "images": study.images}
        for arm, score in study.arms.items():
            rows.append(
                {"kind": "accuracy", "arm": arm, **shared, **_numbers(score.interval), **_per_seed(score.per_seed)}
            )
        for found in study.differences.values():
            names = {"kind": "difference", "arm": found.comparison.arm, "minus": found.comparison.other}
            rows.append({**names, **_test(found), **shared, **_numbers(found.interval), **_per_seed(found.per_seed)})
    return csv_bytes(list(COLUMNS), ([row.get(column, "") for column in COLUMNS] for row in rows))


def _test(found: Difference) -> dict:
    return {name: getattr(found, name) for name in ("verdict", "p_value", "adjusted_p", "seeds_needed")}


def _numbers(interval: Interval) -> dict:
    return {name: value for name, value in interval._asdict().items() if value is not None}


def _per_seed(values: dict[int, float]) -> dict:
    return {"seeds": len(values), "per_seed": " ".join(f"{seed}:{value!r}" for seed, value in values.items())}
