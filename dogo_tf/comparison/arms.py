"""The arms of a comparison: one small encoder, trained in several ways on the same data order, views and seeds."""

import dataclasses
from typing import NamedTuple

from dogo_tf.comparison.settings import peer_names
from dogo_tf.distill import graph
from dogo_tf.peer import Peer, average_name
from dogo_tf.pretraining.settings import PretrainSettings, peer_specs
from dogo_tf.step.flops import VIEWS, teaching_operations, training_operations


class Arm(NamedTuple):
    """An encoder to be studied, and the training that it comes from.

    name: one of results.ARMS.
    peer: whose encoder of the training is studied.
    training: its settings, without folder and seed; arms with equal settings share a run.
    trained: False for the encoder as it is before the first step.
    taught_by: the arm whose finished encoder is a frozen teacher in this training.
    """

    name: str
    peer: str
    training: PretrainSettings
    trained: bool = True
    taught_by: str | None = None

    @property
    def encoder(self) -> str:
        """The name of the encoder that is studied: with `ema`, the average."""
        return average_name(self.peer) if self.training.ema else self.peer


# Published for students that have no objective of their own, and see what their teacher sees.
OFFLINE_SCHEMES = ("seed", "compress", "simreg")
OFFLINE = {"ssl_weight": (0.0,), "distill_weight": (1.0,), "distill_temperature": None, "views": "shared"}


def arms(pair: PretrainSettings, image_size: int) -> list[Arm]:
    """All arms of the comparison that `pair` asks for; its first peer is the small encoder, the second the bigger one.

    solo: the small one alone, for as many epochs. solo_matched: for as many epochs as cost what the pair's cost, counted in
    operations. Both learn by the pair's own settings for the small one. one_way: the pair, but the big one learns alone.
    frozen: the small one by the pair's settings, next to the finished encoder of big_solo; frozen_<scheme>: taught by that
    alone, each scheme as published. The teacher's own training is not part of their epochs and operations.
    """
    small, big = peer_names(pair)
    small_alone, big_alone = _alone(pair, 0), _alone(pair, 1)
    both, one = (training_gflop(settings, image_size) for settings in (pair, small_alone))
    longer = dataclasses.replace(small_alone, epochs=round(small_alone.epochs * both / one))
    return [
        Arm("random", small, small_alone, trained=False),
        Arm("solo", small, small_alone),
        Arm("dogo", small, pair),
        Arm("solo_matched", small, longer),
        Arm("big_solo", peer_specs(big_alone.peers)[0][0], big_alone),  # a twin is called otherwise alone
        Arm("dogo_big", big, pair),
        Arm("one_way", small, dataclasses.replace(pair, teach=f"{big}>{small}")),
        Arm("frozen", small, small_alone, taught_by="big_solo"),
        *(
            Arm(
                f"frozen_{scheme}",
                small,
                dataclasses.replace(small_alone, scheme=scheme, **OFFLINE),
                taught_by="big_solo",
            )
            for scheme in OFFLINE_SCHEMES
        ),
    ]


def training_gflop(settings: PretrainSettings, image_size: int, teacher: PretrainSettings | None = None) -> float:
    """What one image costs in training, all peers together, in 1e9 operations.

    teacher: the training of a frozen teacher, whose forward passes count, too.
    """
    total = sum(training_operations(peer) for peer in _peers(settings, image_size))
    if teacher is not None:
        looks = 1 / settings.epochs if settings.cache_teachers else VIEWS
        total += sum(teaching_operations(peer.encoder, looks) for peer in _peers(teacher, image_size))
    return total / 1e9


def _peers(settings, image_size):
    return [Peer(encoder, objective, image_size, name=name) for name, encoder, objective in peer_specs(settings.peers)]


PER_PEER = ("distill_weight", "ssl_weight", "optimizer", "learning_rate", "weight_decay")


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
