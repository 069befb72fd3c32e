"""The values that flow through a step, and the words for them.

images   uint8 [B, H, W, 3], values 0..255
views    two random augmentations a, b of every image: float32 [B, H, W, 3], values 0..255; and small local ones, where wanted
h        [B, d_h]  the encoder's pooled output: what is probed and deployed
z        [B, d_z]  projector(h): what the objectives compare
p        [B, d_z]  predictor(z) for objectives that have one (SimSiam, BYOL), else z itself: what peers compare
target   [B, d_z]  the z of a target, a copy that slowly follows encoder and projector (BYOL, MoCo); no gradient
queue    [K, d_z]  targets of earlier steps (MoCo); no gradient
peer     an encoder, its heads and its objective
B        the number of images of a step over all replicas; b, on one replica
"""

from typing import Any, NamedTuple


class Views(NamedTuple):
    """Views of the same images, each float [B, H, W, 3] in 0..255; row i of each shows image i.

    a, b: the two global views. local: a tuple of smaller ones, for peers that want them.
    """

    a: Any
    b: Any
    local: tuple = ()


class Crops(NamedTuple):
    """What views are made of where the original pictures were cut before the step: {name of a view: uint8 [B, S, S, 3]}.

    See dogo_tf.views.crops.
    """

    of: dict


class Embeddings(NamedTuple):
    """One peer's answers to one view: h [B, d_h], z [B, d_z], p [B, d_z], and target [B, d_z] where it has one."""

    h: Any
    z: Any
    p: Any
    target: Any = None


class ViewEmbeddings(NamedTuple):
    """One peer's Embeddings of both views, what its queue holds of earlier steps, [K, d_z], where it has one, and the
    Embeddings of its local views, without target.
    """

    a: Embeddings
    b: Embeddings
    queue: Any = None
    local: tuple[Embeddings, ...] = ()
