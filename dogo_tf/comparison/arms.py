"""The arms of a comparison: one small encoder, trained in several ways on the same data order, views and seeds."""

import dataclasses
from typing import NamedTuple

from dogo_tf.comparison.costs import check_smaller, equal_epochs, whole_gflop
from dogo_tf.comparison.results import OF_OTHER_COST
from dogo_tf.comparison.settings import ArmSettings, peer_names
from dogo_tf.distill import graph
from dogo_tf.peer import average_name
from dogo_tf.pretraining.settings import PER_PEER, PretrainSettings, peer_specs


class Arm(NamedTuple):
    """An encoder to be studied, and the training that it comes from.

    name: one of results.ARMS.
    encoder: which of the training's encoders is studied: a peer's, or, where the comparison is one of averages, its average.
    training: its settings, without folder and seed; arms with equal settings share a run.
    trained: False for the encoder with random weights, from which the training starts if it has no `init`.
    taught_by: the arm whose finished encoder is a frozen teacher in this training.
    edge: settings of the edge from that teacher, as --teach has them, if there are any.
    starts_from: a peer of this training, and the arm whose finished encoder it starts from.
    """

    name: str
    encoder: str
    training: PretrainSettings
    trained: bool = True
    taught_by: str | None = None
    edge: str = ""
    starts_from: tuple[str, str] | None = None

    @property
    def run(self) -> tuple:
        """What arms that share a run have in common."""
        return self.training, self.taught_by, self.edge, self.starts_from

    @property
    def peer(self) -> str:
        """Whose encoder, or its average, is studied."""
        return next(
            name for name, _, _ in peer_specs(self.training.peers) if self.encoder in (name, average_name(name))
        )

    @property
    def needs(self) -> str | None:
        """The arm that has to be finished before."""
        return self.starts_from[1] if self.starts_from else self.taught_by


NOTHING_ASKED = ArmSettings()
# The decay of the average that teaches its own student, where the pair keeps none; it rises to this, see WeightAverage.
SELF_EMA = 0.999
# Published for students that have no objective of their own, and see what their teacher sees.
OFFLINE_SCHEMES = ("seed", "compress", "simreg")
OFFLINE = {"ssl_weight": (0.0,), "distill_weight": (1.0,), "distill_temperature": None, "views": "shared"}


def arms(pair: PretrainSettings, image_size: int, own: ArmSettings = NOTHING_ASKED) -> list[Arm]:
    """All arms of the comparison that `pair` asks for; its first peer is the small encoder, the second the bigger one.

    solo: the small one alone, for as many epochs; solo_matched: for as many as cost what the pair's cost, in operations.
    Both learn by the pair's own settings for the small one, as do those below that say nothing else; alone at own.alone_rates.
    one_way: the pair, but the big one learns alone.
    head_start: the pair, in which the big one starts from big_longer, a longer run of its own.
    stopping: the pair, but the big one stops after own.peer_share of the training; every_kth: it takes part in every step of
    own.peer_every. Where it does not, the small one learns alone.
    smaller: next to own.smaller_peer, which learns by the small one's settings.
    family: the pair with own.siblings besides, which learn by the small one's settings; each of them and the big one teach each
    other as the pair does. It bears its own operations, and its share of the big one's.
    self: the running average of its own weights in the place of the peer.
    frozen: next to the finished encoder of big_solo; cached: the same, but that looked once at the images as they are;
    frozen_<scheme>: taught by it alone, each scheme as published.
    at_hand: taught by pair.teachers, which no other arm has, and whose cost nobody counts: they were there anyway; by
    own.at_hand_scheme with own.at_hand_weight.
    solo_as_<arm>: the small one alone, for as many epochs as cost what that arm costs, with what had to be trained before.

    Args:
        own: settings of single arms.
    """
    at_hand = {"teachers": pair.teachers, "cache_teachers": pair.cache_teachers}  # for that arm alone
    pair = dataclasses.replace(pair, teachers=(), cache_teachers=False)
    small, big = peer_names(pair)
    small_taught, big_alone = _alone(pair, 0), _alone(pair, 1)
    small_alone = small_taught
    if own.alone_rates:
        small_alone, big_alone = (
            dataclasses.replace(training, learning_rate=(rate,))
            for training, rate in zip((small_taught, big_alone), own.alone_rates, strict=True)
        )
    longer = dataclasses.replace(
        small_alone, epochs=equal_epochs(small_alone, whole_gflop(pair, image_size), image_size)
    )
    ahead = dataclasses.replace(big_alone, epochs=own.head_start_epochs or 2 * pair.epochs)
    by_big = _settings_of_edge(pair.teach, big, small)
    itself = dataclasses.replace(small_taught, ema=pair.ema or SELF_EMA, teach=f"{average_name(small)}>{small}{by_big}")
    student, peer, peer_alone = (
        average_name(name) if pair.ema else name
        for name in (small, big, peer_specs(big_alone.peers)[0][0])  # a twin is called otherwise alone
    )
    found = [
        Arm("random", student, small_alone, trained=False),
        Arm("solo", student, small_alone),
        Arm("dogo", student, pair),
        Arm("solo_matched", student, longer),
        Arm("big_solo", peer_alone, big_alone),
        Arm("dogo_big", peer, pair),
        Arm("one_way", student, dataclasses.replace(pair, teach=f"{_teacher(pair, big, small)}>{small}{by_big}")),
        Arm("self", student, itself),
        Arm("frozen", student, small_taught, taught_by="big_solo", edge=by_big),
        *(
            Arm(
                f"frozen_{scheme}",
                student,
                dataclasses.replace(small_taught, scheme=scheme, **OFFLINE),
                taught_by="big_solo",
            )
            for scheme in OFFLINE_SCHEMES
        ),
        Arm(
            "cached", student, dataclasses.replace(small_taught, cache_teachers=True), taught_by="big_solo", edge=by_big
        ),
        Arm("stopping", student, dataclasses.replace(pair, train_share=(1.0, own.peer_share))),
        Arm("every_kth", student, dataclasses.replace(pair, train_every=(1, own.peer_every))),
        Arm("big_longer", peer_alone, ahead),
        Arm("head_start", student, pair, starts_from=(big, "big_longer")),
    ]
    if at_hand["teachers"]:
        taught = dataclasses.replace(small_taught, **at_hand)
        if own.at_hand_scheme:
            taught = dataclasses.replace(taught, scheme=own.at_hand_scheme, distill_temperature=None)
        if own.at_hand_weight is not None:
            taught = dataclasses.replace(taught, distill_weight=(own.at_hand_weight,))
        found.append(Arm("at_hand", student, taught))
    if own.smaller_peer:
        beside = _next_to(pair, small_taught, own.smaller_peer)
        check_smaller(beside, image_size)
        found.append(Arm("smaller", student, beside))
    if own.siblings:
        found.append(Arm("family", student, _family(pair, own.siblings)))
    by_name = {arm.name: arm for arm in found}
    for name in (name for name in OF_OTHER_COST if name in by_name):
        arm = by_name[name]
        teacher = by_name[arm.taught_by].training if arm.taught_by else None
        spent = whole_gflop(arm.training, image_size, teacher, student=small)
        spent += whole_gflop(by_name[arm.needs].training, image_size) if arm.needs else 0.0
        as_long = dataclasses.replace(small_alone, epochs=equal_epochs(small_alone, spent, image_size))
        found.append(Arm(f"solo_as_{name}", student, as_long))
    return found


def _alone(pair: PretrainSettings, peer: int) -> PretrainSettings:
    """The pair's settings with one of its peers left, and nobody to learn from."""
    own = {name: (pair.per_peer(name)[peer],) for name in PER_PEER}
    alone = (pair.peers[peer],)
    (name_alone, _, _), name_in_pair = peer_specs(alone)[0], peer_specs(pair.peers)[peer][0]
    own["init"] = tuple(
        "=".join([name_alone, place.partition("=")[2]])
        for place in pair.init
        if place.partition("=")[0].strip() == name_in_pair
    )
    return dataclasses.replace(pair, peers=alone, teachers=(), teach=graph.ALL, **own)


def _next_to(pair: PretrainSettings, small_taught: PretrainSettings, other: str) -> PretrainSettings:
    """The small one next to another peer, who teach each other as the pair does."""
    peers = (pair.peers[0], other)
    (small, big), (_, beside) = peer_names(pair), (name for name, _, _ in peer_specs(peers))
    edges = _edges(pair, big, beside)
    teach = graph.ALL if edges == [f"{beside}>{small}", f"{small}>{beside}"] else ",".join(edges)
    return dataclasses.replace(small_taught, peers=peers, teach=teach)


def _family(pair: PretrainSettings, siblings: tuple[str, ...]) -> PretrainSettings:
    """The pair with further students; whoever is in the pair is called as there, and so draws the same views and weights."""
    per_peer = {name: tuple(pair.per_peer(name)) + (pair.per_peer(name)[0],) * len(siblings) for name in PER_PEER}
    peers = (*pair.peers, *siblings)
    small, _, *others = [name for name, _, _ in peer_specs(peers)]
    # A big one that learns from its own average does so once, not once for each student.
    teach = ",".join(dict.fromkeys(edge for student in (small, *others) for edge in _edges(pair, small, student)))
    return dataclasses.replace(pair, peers=peers, teach=teach, **per_peer)


def _edges(pair: PretrainSettings, left_out: str, instead: str) -> list[str]:
    """The pair's edges, those that teach the small one first, with another peer in the place of one of the two."""
    small, big = peer_names(pair)
    teach = f"{big}>{small},{small}>{big}" if pair.teach.strip() == graph.ALL else pair.teach
    names = {left_out: instead, average_name(left_out): average_name(instead)}
    found = {small: [], big: []}
    for word in teach.split(","):
        ends, colon, own = word.strip().partition(":")
        teacher, student = (end.strip() for end in ends.split(">"))
        found[student].append(f"{names.get(teacher, teacher)}>{names.get(student, student)}{colon}{own}")
    return [*found[small], *found[big]]


def _teacher(pair: PretrainSettings, peer: str, student: str) -> str:
    """Who teaches the student, the peer itself or its average."""
    edges = [word.partition(":")[0].replace(" ", "") for word in pair.teach.split(",")]
    return average_name(peer) if f"{average_name(peer)}>{student}" in edges else peer


def _settings_of_edge(teach: str, teacher: str, student: str) -> str:
    """ ":weight=2" of "big>small:weight=2" or "big_ema>small:weight=2"; nothing where it has none, or there is no such edge."""
    found = (word.strip().partition(":") for word in teach.split(","))
    edges = [f"{name}>{student}" for name in (teacher, average_name(teacher))]
    return next((colon + own for ends, colon, own in found if ends.replace(" ", "") in edges), "")
