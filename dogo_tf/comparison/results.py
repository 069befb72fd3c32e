"""What a comparison leaves to be counted: one ArmRun per arm and seed.

arm      a way to get an encoder; see ARMS
study    a way to test it, by name; see study_names.py
score    share of the label draws or severities of a study in which a test image was classified correctly, 0..1
"""

import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dogo_tf.errors import InputError, unknown_name
from dogo_tf.platform.files import write_atomically

# Of the probes that gave the scores; raised where they would give the same encoder others, which cannot be paired with those
# of before. 1: the linear probe's strength by accuracy. 2: by cross-entropy. 3: --corruption_images are of all classes, where
# they were the first ones; `random` normalises pixels as the runs do.
PROBES = 3
# In the order of tables and plots.
ARMS = {
    "random": "untrained",
    "solo": "alone",
    "dogo": "next to its peer",
    "solo_matched": "alone, for longer",
    "big_solo": "big, alone",
    "dogo_big": "big, next to the small one",
    "one_way": "next to its peer, which ignores it",
    "self": "taught by the average of its own weights",
    "big_longer": "big, alone, for its head start",
    "head_start": "next to a peer with a head start",
    "frozen": "taught by the finished big one, as by a peer",
    "frozen_seed": "taught by the finished big one, SEED",
    "frozen_compress": "taught by the finished big one, CompRess",
    "frozen_simreg": "taught by the finished big one, SimReg",
    "cached": "taught by the finished big one, which looked once",
    "at_hand": "taught by a network that was there",
    "smaller": "next to a peer that is smaller",
    "stopping": "next to a peer that stops early",
    "every_kth": "next to a peer in every k-th step",
    "family": "next to a peer that others learn from, too",
}
# Arms whose cost differs from that of `solo` and `dogo`; each has one that spends the same on the small encoder alone.
OF_OTHER_COST = ("self", "head_start", "frozen", "cached", "smaller", "family", "stopping", "every_kth")
ARMS |= {f"solo_as_{arm}": f"alone, for the compute of: {ARMS[arm]}" for arm in OF_OTHER_COST}
DEFAULT_ARMS = ("random", "solo", "dogo", "solo_matched", "big_solo", "dogo_big")


class Cost(NamedTuple):
    """What a training cost; for `dogo` and `dogo_big` it is the one run of both.

    train_gflop: forward and backward of all networks of the run; in a family a student's own, and its share of the peer's.
    seconds: wall time of the run. images_per_second: while training. parameters: of this arm's encoder, as it is deployed.
    before_gflop: the training of what had to be finished before, a teacher or a head start; not part of the other numbers.
    """

    epochs: float
    train_gflop: float
    seconds: float
    images_per_second: float
    parameters: int
    before_gflop: float = 0.0

    @property
    def total_gflop(self) -> float:
        """All operations, also those of what was trained before."""
        return self.train_gflop + self.before_gflop


class ArmRun(NamedTuple):
    """One arm trained with one seed. scores: by study, float [N_test] in 0..1; N_test depends on the study alone."""

    arm: str
    seed: int
    scores: dict[str, np.ndarray]
    cost: Cost


def write_run(kept: Path, scores: dict[str, np.ndarray], cost: Cost) -> None:
    """To `kept`, an .npz file, and its neighbour .json, in place of what an earlier probe found."""
    content = io.BytesIO()
    np.savez_compressed(content, **scores)
    kept.unlink(missing_ok=True)  # scores are there when all is
    write_atomically(
        kept.with_suffix(".json"), (json.dumps({**cost._asdict(), "probes": PROBES}, indent=1) + "\n").encode()
    )
    write_atomically(kept, content.getvalue())


def is_written(kept: Path) -> bool:
    """Whether `kept` has the scores of a run by the probes of now."""
    return kept.exists() and json.loads(kept.with_suffix(".json").read_text()).get("probes", 1) == PROBES


def read_run(kept: Path, arm: str, seed: int) -> ArmRun:
    """What write_run wrote."""
    with np.load(kept) as content:
        found = {study: content[study] for study in content.files}
    cost = json.loads(kept.with_suffix(".json").read_text())
    return ArmRun(arm, seed, found, Cost(**{name: cost[name] for name in Cost._fields if name in cost}))


def check_runs(runs: list[ArmRun]) -> None:
    """Raises InputError for no scores, an unknown arm, an arm and seed that come twice, and scores that do not fit."""
    if not any(run.scores for run in runs):
        raise InputError("runs: expected at least one arm with the scores of a study, got none")
    seen, images = set(), {}
    for run in runs:
        if run.arm not in ARMS:
            raise unknown_name("arm", run.arm, ARMS)
        if (run.arm, run.seed) in seen:
            raise InputError(f"runs: {run.arm} with seed {run.seed} comes twice")
        seen.add((run.arm, run.seed))
        for study, scores in run.scores.items():
            where = f"{study!r} of {run.arm}, seed {run.seed}"
            if np.ndim(scores) != 1:
                raise InputError(f"scores: {where}: expected [N_test], got {list(np.shape(scores))}")
            if images.setdefault(study, len(scores)) != len(scores):
                raise InputError(
                    f"scores: {where}: expected {images[study]} test images as in other runs, got {len(scores)}"
                )


def by_seed(runs: list[ArmRun], arm: str, study: str) -> dict[int, np.ndarray]:
    """The scores of `arm` in `study` by seed, in the order of the seeds; empty if there are none yet."""
    return {
        run.seed: np.asarray(run.scores[study])
        for run in sorted(runs, key=lambda run: run.seed)
        if run.arm == arm and study in run.scores
    }


def mean_cost(runs: list[ArmRun], arm: str) -> Cost | None:
    """The mean cost of a run of `arm`; None if there is none yet."""
    costs = [run.cost for run in runs if run.arm == arm]
    return Cost(*(float(np.mean(column)) for column in zip(*costs, strict=True))) if costs else None
