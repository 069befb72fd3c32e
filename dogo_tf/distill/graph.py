"""Who teaches whom: edges from a teacher to a student, by their names."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from dogo_tf.errors import InputError, unknown_name

ALL = "all"


@dataclass(frozen=True)
class Edge:
    """The peer `teacher` teaches the peer `student`. What is None follows what DoGo is given for all edges.

    Attributes:
        teacher, student: their names; as a teacher also "<peer>_ema", the running average of a peer that has one.
        weight: of the loss per anchor, in units of the student's own objective, >= 0. By default the student's weight for all
            its teachers, shared equally, so that its distillation loss is the mean over them.
        temperature: > 0; by default the scheme's own.
        warmup: training examples over which the weight rises from 0, >= 0.
        scheme: a name in dogo_tf.distill.
    """

    teacher: str
    student: str
    weight: float | None = None
    temperature: float | None = None
    warmup: int | None = None
    scheme: str | None = None


def mutual(peers: Sequence[str], teachers: Sequence[str] = ()) -> list[Edge]:
    """Every peer learns from every other (DoGo; deep mutual learning for more than two), and from every frozen teacher."""
    return [Edge(teacher, student) for student in peers for teacher in (*peers, *teachers) if teacher != student]


def asked(teach, peers: Sequence[str], teachers: Sequence[str] = ()) -> list[Edge]:
    """The edges that "all" or a list of them stands for. Raises InputError for other text."""
    if isinstance(teach, str) and teach != ALL:
        raise InputError(f"teach: expected {ALL!r} or a list of dogo_tf.Edge, got {teach!r}")
    return mutual(peers, teachers) if teach == ALL else list(teach)


def parse(text: str, peers: Sequence[str], teachers: Sequence[str] = (), examples_per_epoch: int = 1) -> list[Edge]:
    """The edges that --teach asks for.

    Args:
        text: "all", or edges "teacher>student" separated by commas, each with settings of its own if it needs any:
            "big>small:weight=2:temperature=0.2:warmup_epochs=1:scheme=seed".
        peers, teachers: the names that there are; frozen teachers learn from nobody.
    Raises:
        InputError: another form, or an unknown name.
    """
    if text.strip() == ALL:
        return mutual(peers, teachers)
    return [_edge(word.strip(), examples_per_epoch) for word in text.split(",")]


def resolved(
    edges: Sequence[Edge],
    peers: Sequence[str],
    teachers: Sequence[str],
    weights: Sequence[float],
    warmup: int,
    scheme: str,
    averages: Sequence[str] = (),
) -> list[Edge]:
    """The edges with nothing left open but the temperature.

    Args:
        weights: of each peer as a student, >= 0. warmup, scheme: for edges that have none.
        averages: of peers, which may teach, too, but learn only by following.
    Raises:
        InputError: an unknown name, an edge that comes twice or leads to itself, a number out of range.
    """
    for edge in edges:
        _check(edge, peers, teachers, averages)
    ends = [(edge.teacher, edge.student) for edge in edges]
    if twice := next((pair for pair in ends if ends.count(pair) > 1), None):
        raise InputError(f"teach: {twice[0]}>{twice[1]} comes twice")
    of_student = dict(zip(peers, weights, strict=True))

    def resolve(edge: Edge) -> Edge:
        shared = of_student[edge.student] / sum(other.student == edge.student for other in edges)
        weight = shared if edge.weight is None else edge.weight
        rises_over = warmup if edge.warmup is None else edge.warmup
        return dataclasses.replace(edge, weight=weight, warmup=rises_over, scheme=edge.scheme or scheme)

    return [resolve(edge) for edge in edges]


def compared(student, teacher, both_predict: bool):
    """student_a, student_b, teacher_a, teacher_b of an edge, from the ViewEmbeddings of both peers.

    The student gives p. The teacher gives z if both peers have a predictor, else p (which is z without a predictor).
    """
    teacher_a, teacher_b = (teacher.a.z, teacher.b.z) if both_predict else (teacher.a.p, teacher.b.p)
    return student.a.p, student.b.p, teacher_a, teacher_b


_KEYS = {"weight": float, "temperature": float, "warmup_epochs": float, "scheme": str}


def _edge(word: str, examples_per_epoch: int) -> Edge:
    ends, *settings = word.split(":")
    teacher, separator, student = (part.strip() for part in ends.partition(">"))
    if not (separator and teacher and student):
        raise InputError(f"teach: expected {ALL}, or edges teacher>student separated by commas; got {word!r}")
    values = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in _KEYS:
            raise unknown_name("setting of an edge in teach", name, _KEYS)
        try:
            values[name] = _KEYS[name](value)
            if name == "warmup_epochs" and not math.isfinite(values[name]):  # which `round` cannot take
                raise ValueError
        except ValueError as error:
            raise InputError(f"teach: {ends}: {name}: expected a number, got {value!r}") from error
    if "warmup_epochs" in values:
        values["warmup"] = round(values.pop("warmup_epochs") * examples_per_epoch)
    return Edge(teacher, student, **values)


def _check(edge: Edge, peers, teachers, averages) -> None:
    where = f"teach: {edge.teacher}>{edge.student}"
    if edge.student in teachers:
        raise InputError(f"{where}: {edge.student} is a frozen teacher, which learns from nobody")
    if edge.student in averages:
        raise InputError(f"{where}: {edge.student} is an average, which follows its peer and learns from nobody")
    known_teachers = (*peers, *teachers, *averages)
    if edge.teacher not in known_teachers and edge.teacher in [f"{peer}_ema" for peer in peers]:
        raise InputError(f"{where}: {edge.teacher} is an average, which is kept with ema only; give e.g. ema=0.999")
    for name, known in ((edge.teacher, known_teachers), (edge.student, peers)):
        if name not in known:
            raise unknown_name("peer in teach", name, known)
    if edge.teacher == edge.student:
        raise InputError(f"{where}: a peer cannot teach itself")
    for name in ("weight", "warmup"):
        if not 0 <= (getattr(edge, name) or 0) < math.inf:
            raise InputError(f"{where}: {name}: expected a number >= 0, got {getattr(edge, name)}")
    if edge.temperature is not None and not 0 < edge.temperature < math.inf:
        raise InputError(f"{where}: temperature: expected a number above 0, got {edge.temperature}")
