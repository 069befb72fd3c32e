"""Who teaches whom: edges from a teacher to a student, as positions in the list of peers."""

from collections.abc import Sequence
from typing import NamedTuple

from dogo_tf.errors import InputError


class Edge(NamedTuple):
    """The peer `teacher` teaches the peer `student` with this weight (per anchor, in units of the student's SSL loss)."""

    student: int
    teacher: int
    weight: float


def mutual(peers: int, weights: float | Sequence[float]) -> list[Edge]:
    """Every peer learns from every other (DoGo; deep mutual learning for more than two).

    A student's weight is shared equally among its teachers, which makes its distillation loss the mean over them.

    Args:
        peers: their number, >= 1.
        weights: one weight >= 0 for all students, or one per student.
    """
    if not isinstance(weights, Sequence):
        weights = [weights] * peers
    if len(weights) != peers or any(weight < 0 for weight in weights):
        raise InputError(
            f"distill_weight: expected one number >= 0, or one for each of the {peers} peers; got {weights}"
        )
    teachers = peers - 1
    return [Edge(s, t, weights[s] / teachers) for s in range(peers) for t in range(peers) if s != t]


def compared(student, teacher, both_predict: bool):
    """student_a, student_b, teacher_a, teacher_b of an edge, from the ViewEmbeddings of both peers.

    The student gives p. The teacher gives z if both peers have a predictor, else p (which is z without a predictor).
    """
    teacher_a, teacher_b = (teacher.a.z, teacher.b.z) if both_predict else (teacher.a.p, teacher.b.p)
    return student.a.p, student.b.p, teacher_a, teacher_b
