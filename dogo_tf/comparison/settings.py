"""What a comparison is asked for: made once from the flags, kept in its folder."""

import dataclasses
import difflib
import json
import re
from dataclasses import dataclass

from dogo_tf import distill
from dogo_tf.comparison.results import ARMS, DEFAULT_ARMS
from dogo_tf.distill import graph
from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate.studies import StudyPlan
from dogo_tf.platform import ranges
from dogo_tf.pretraining.settings import PretrainSettings, peer_specs, place_specs

CONFIG = "comparison.json"  # in the folder of a comparison


@dataclass(frozen=True)
class ArmSettings:
    """What single arms are asked for besides the pair.

    head_start_epochs: of head_start's peer before it meets its student; twice the pair's epochs if not given.
    peer_every: k of every_kth. peer_share: of the training, after which stopping's peer stops.
    siblings: encoder or encoder:objective of family's further students, besides the small encoder.
    smaller_peer: encoder or encoder:objective of smaller's peer, which must take fewer operations than the small encoder.
    at_hand_scheme, at_hand_weight: how at_hand is taught; by the pair's scheme and weight if None.
        With a scheme of its own it has that scheme's temperature.
    alone_rates: learning rates of the two peers where they train alone; the pair's if empty.
    """

    head_start_epochs: int | None = None
    smaller_peer: str | None = None
    siblings: tuple[str, ...] = ()
    peer_every: int = 4
    peer_share: float = 0.5
    at_hand_scheme: str | None = None
    at_hand_weight: float | None = None
    alone_rates: tuple[float, ...] = ()

    def __post_init__(self):
        if self.at_hand_scheme and self.at_hand_scheme not in distill.schemes():
            raise InputError(
                f"at_hand_scheme: expected one of {', '.join(distill.schemes())}; got {self.at_hand_scheme!r}"
            )
        for name in USED_BY:
            if name in ranges.RANGES:
                ranges.check(name, getattr(self, name))


# The arm that each of these is for, and the pair's teachers.
USED_BY = {
    "head_start_epochs": "head_start",
    "smaller_peer": "smaller",
    "siblings": "family",
    "peer_every": "every_kth",
    "peer_share": "stopping",
    "teachers": "at_hand",
    "cache_teachers": "at_hand",
    "at_hand_scheme": "at_hand",
    "at_hand_weight": "at_hand",
}
NEEDED = {
    "smaller_peer": "a network smaller than the first of the peers, e.g. wrn_10_1",
    "siblings": "further students of the bigger peer, e.g. wrn_10_2,wrn_16_1",
}


@dataclass(frozen=True)
class ComparisonSettings:
    """pair: the training next to a peer; its seed and folder are set per run, and its teachers are for the arm at_hand.

    labelled: (data set, train split, test split) that the probes learn from and are tested on.
    transfers: the same of unfamiliar data.
    arms: names of those to train and study; others may follow in the same folder. own: settings of single arms.
    """

    pair: PretrainSettings
    plan: StudyPlan
    labelled: tuple[str, str, str]
    transfers: tuple[tuple[str, str, str], ...] = ()
    arms: tuple[str, ...] = DEFAULT_ARMS
    own: ArmSettings = ArmSettings()

    def __post_init__(self):
        peer_names(self.pair)
        for name in self.arms:
            if name not in ARMS:
                raise InputError(f"{unknown_name('arm', name, ARMS)}{_meant(name)}")
        for name, what in NEEDED.items():
            if not getattr(self.own, name) and (used := {USED_BY[name], f"solo_as_{USED_BY[name]}"} & set(self.arms)):
                raise InputError(f"{name}: the arm {sorted(used)[0]} needs it: {what}")
        self._check_teachers()
        for name, train_split, test_split in (self.labelled, *self.transfers):
            if train_split == test_split:
                raise InputError(
                    f"test_split: expected another split of {name} than the labels come from; both are {test_split!r}"
                )

    def _check_teachers(self) -> None:
        teachers = [name for name, _, _ in place_specs("teachers", self.pair.teachers)]
        if "at_hand" in self.arms and not teachers:
            raise InputError("teachers: the arm at_hand needs it: a network that is there, e.g. big=dinov2.npz")
        if teachers and "at_hand" not in self.arms:
            raise InputError(f"arms: teachers are for the arm at_hand; add it, got {','.join(self.arms)}")
        for edge in graph.parse(self.pair.teach, list(peer_names(self.pair)), teachers):
            if edge.teacher in teachers and self.pair.teach != graph.ALL:
                raise InputError(
                    f"teach: in a comparison teachers are for the arm at_hand alone; leave out {edge.teacher}>{edge.student}"
                )

    def as_dict(self) -> dict:
        """For comparison.json: everything that shapes the numbers of one seed."""
        plan = json.loads(json.dumps(dataclasses.asdict(self.plan)))
        used = {name for name, arm in USED_BY.items() if {arm, f"solo_as_{arm}"} & set(self.arms)}
        unused = {"seed", *USED_BY} - used
        training = {name: value for name, value in self.pair.as_dict().items() if name not in unused}
        small, big = peer_names(self.pair)
        sets = {
            "small": small,
            "big": big,
            "labelled": list(self.labelled),
            "transfers": [list(names) for names in self.transfers],
            "alone_rates": list(self.own.alone_rates or self.pair.per_peer("learning_rate")),
        }
        own = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(self.own).items() if name in used}
        return {**training, **plan, **sets, **own}


def _meant(name: str) -> str:
    """A question that ends the message about an unknown arm: one of a like name, or else one whose description has the word."""
    word = name.lower()
    found = difflib.get_close_matches(word, ARMS, n=1) or [arm for arm in ARMS if word and word in arm]
    found = found or [arm for arm, what in ARMS.items() if word in re.findall(r"\w+", what.lower())]
    return f"; did you mean {found[0]} ({ARMS[found[0]]})?" if found else ""


def peer_names(pair: PretrainSettings) -> tuple[str, str]:
    """The small one and the big one."""
    names = [name for name, _, _ in peer_specs(pair.peers)]
    if len(names) != 2:
        raise InputError(
            f"peers: expected two, the small one and its bigger peer; got {len(names)}: {','.join(pair.peers)}"
        )
    return tuple(names)
