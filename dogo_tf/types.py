"""The values that flow through a step, and the words for them.

images   uint8 [B, H, W, 3], values 0..255
views    two random augmentations a, b of every image: float32 [B, H, W, 3], values 0..255
h        [B, d_h]  the encoder's pooled output: what is probed and deployed
z        [B, d_z]  projector(h): what the objectives compare
p        [B, d_z]  predictor(z) for objectives that have one (SimSiam), else z itself: what peers compare
peer     an encoder, its heads and its objective
B        the number of images of a step over all replicas; b, on one replica
"""

from typing import Any, NamedTuple


class Views(NamedTuple):
    """Two views of the same images, each float [B, H, W, 3] in 0..255; row i of `a` and of `b` show image i."""

    a: Any
    b: Any


class Embeddings(NamedTuple):
    """One peer's answers to one view: h [B, d_h], z [B, d_z], p [B, d_z]."""

    h: Any
    z: Any
    p: Any


class ViewEmbeddings(NamedTuple):
    """One peer's Embeddings of both views."""

    a: Embeddings
    b: Embeddings
