"""Distillation between peers: who teaches whom (graph.py), and how, the schemes: one file each.

A module of a scheme holds pure functions of student and teacher, and a class `Scheme`; see _scheme.Scheme.
"""

import dataclasses

from dogo_tf.distill.graph import Edge
from dogo_tf.errors import InputError
from dogo_tf.platform import lazy, plugins

__getattr__, __dir__ = lazy.attributes(__name__, plugins.places(__name__))

__all__ = ["Edge", "build", "schemes"]


def schemes() -> list[str]:
    """The names of all schemes."""
    return [name for name in plugins.names(__name__) if name != "graph"]


def build(edge: Edge, networks, default_temperature: float | None = None):
    """The Scheme for a resolved edge among these networks; an unknown name raises InputError with the known ones.

    default_temperature: for an edge that has none; without, the scheme's own.
    """
    assert edge.scheme is not None, "graph.resolved leaves no scheme open"
    scheme = _scheme_called(edge.scheme)
    if edge.temperature is not None and scheme.TEMPERATURE is None:
        raise InputError(f"teach: {edge.teacher}>{edge.student}: temperature: the scheme {edge.scheme} has none")
    return scheme(edge, networks, edge.temperature or default_temperature)


def without_unused_temperatures(edges, scheme: str) -> list[Edge]:
    """The edges without temperatures that `build` refuses. scheme: of edges that name none."""
    return [
        dataclasses.replace(edge, temperature=None)
        if _scheme_called(edge.scheme or scheme).TEMPERATURE is None
        else edge
        for edge in edges
    ]


def _scheme_called(name: str):
    return plugins.load(__name__, name, "scheme", schemes()).Scheme
