"""What the trainings of a comparison cost, counted in operations."""

import functools
import math
from typing import NamedTuple

from dogo_tf.distill import graph
from dogo_tf.errors import InputError
from dogo_tf.peer import Peer, average_name
from dogo_tf.pretraining.settings import PretrainSettings, peer_specs
from dogo_tf.step.average_teacher import between_peers
from dogo_tf.step.flops import (
    VIEWS,
    averages_operations,
    teaching_operations,
    training_operations,
    with_share_of_teachers,
)
from dogo_tf.step.rota import takes_part


class Operations(NamedTuple):
    """Of a peer for one image: learning, teaching by its average, and one look of its encoder."""

    learning: int
    averages: int
    look: float


def training_gflop(
    settings: PretrainSettings, image_size: int, teacher: PretrainSettings | None = None, student: str | None = None
) -> float:
    """What one image costs in training, in 1e9 operations: all networks together, or one student's share.

    Args:
        teacher: the training of a frozen teacher, whose forward passes count, too.
        student: a peer; it bears its own operations and its share of those of the peers that teach it.
    """
    own = _own(settings, image_size, [share / every for share, every in _rests(settings)])
    if student is None:
        total = sum(own.values())
    else:
        edges = between_peers(graph.parse(settings.teach, list(own)), {average_name(name): name for name in own})
        total = with_share_of_teachers(own, edges)[student]
    if teacher is not None:
        total += _looking(teacher, image_size, 1 / settings.epochs if settings.cache_teachers else VIEWS)
    return total / 1e9


def steps_gflop(
    settings: PretrainSettings, image_size: int, steps: range, total: int, teacher: PretrainSettings | None = None
) -> float:
    """What one image costs in some steps of a training, on average, in 1e9 operations: of the peers that take part in them.

    Args:
        steps: counted from 0. total: of the whole training.
        teacher: the training of a frozen teacher, which looks in every step unless its features are cached before the first.
    """
    taken = [
        sum(takes_part(step, int(every), math.ceil(share * total)) for step in steps) / len(steps)
        for share, every in _rests(settings)
    ]
    operations = sum(_own(settings, image_size, taken).values())
    if teacher is not None and not settings.cache_teachers:
        operations += _looking(teacher, image_size, VIEWS)
    return operations / 1e9


def whole_gflop(settings: PretrainSettings, image_size: int, teacher=None, student: str | None = None) -> float:
    """What an image costs over all epochs of a training; see training_gflop."""
    return settings.epochs * training_gflop(settings, image_size, teacher, student)


def equal_epochs(alone: PretrainSettings, gflop: float, image_size: int) -> int:
    """For how many epochs a training can go on for so many operations an image."""
    return max(1, round(gflop / training_gflop(alone, image_size)))


def check_smaller(settings: PretrainSettings, image_size: int) -> None:
    """InputError unless the encoder of the second peer takes fewer operations than that of the first."""
    (small, own), (smaller, its) = _operations_of_each(settings, image_size).items()
    if its.look >= own.look:
        raise InputError(
            f"smaller_peer: expected an encoder of fewer operations than {small}, {own.look / 1e6:.1f} MFLOP an image; "
            f"{smaller} has {its.look / 1e6:.1f}"
        )


def _rests(settings) -> list[tuple[float, float]]:
    """train_share and train_every of each peer."""
    return list(zip(settings.per_peer("train_share"), settings.per_peer("train_every"), strict=True))


def _own(settings, image_size: int, taken) -> dict[str, float]:
    """Each peer's own operations for one image. taken: the share of the steps in which it takes part, for each."""
    peers = _operations_of_each(settings, image_size)
    teachers = {edge.teacher for edge in graph.parse(settings.teach, list(peers))}
    return {
        name: share * (peer.learning + (peer.averages if average_name(name) in teachers else 0))
        for (name, peer), share in zip(peers.items(), taken, strict=True)
    }


def _looking(teacher, image_size: int, looks: float) -> float:
    return sum(looks * peer.look for peer in _operations_of_each(teacher, image_size).values())


def _operations_of_each(settings, image_size: int) -> dict[str, Operations]:
    counts = settings.per_peer("local_views")
    return {
        name: _operations(encoder, objective, image_size, count, settings.local_size)
        for (name, encoder, objective), count in zip(peer_specs(settings.peers), counts, strict=True)
    }


@functools.cache
def _operations(encoder: str, objective: str, image_size: int, local_views: int, local_size: int | None) -> Operations:
    peer = Peer(encoder, objective, image_size, local_views=local_views, local_size=local_size)
    return Operations(training_operations(peer), averages_operations(peer), teaching_operations(peer.encoder, looks=1))
