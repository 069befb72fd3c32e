"""Distillation between peers: schemes (one file each, pure functions of student and teacher) and graph.py, who teaches whom."""

from dogo_tf.distill import graph, similarity_kl

__all__ = ["graph", "similarity_kl"]
