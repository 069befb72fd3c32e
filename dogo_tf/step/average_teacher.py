"""A peer's own past as a teacher: the running average of its weights (Tarvainen and Valpola, 2017, "Mean teachers")."""

import zlib

from dogo_tf.platform.keras_compat import tf
from dogo_tf.types import Embeddings, ViewEmbeddings


class AverageTeacher:
    """views [B, H, W, 3] in 0..255 -> Embeddings of both, by the averages of a peer's encoder and projector.

    It gives z where a peer would; it predicts nothing (p is z). No gradient reaches it, and batch normalisation is in inference
    mode. Its weights are part of the peer's average and follow with it.

    Attributes:
        name: "<peer>_ema", how edges call it. peer: whose average it is, by name.
        image_size, width_h, width_z, has_predictor: as of that peer.
        encoder, projector: what computes h and z.
    """

    local = None

    def __init__(self, peer):
        """peer: a Peer with an average."""
        self.peer = peer.name
        self.name = next(name for name in peer.encoders if name != peer.name)
        self.image_size, self.width_h, self.width_z = peer.image_size, peer.width_h, peer.width_z
        self.has_predictor = peer.has_predictor
        self.encoder, self.projector = peer.average.encoder, peer.average.follow_also(peer.projector)

    @property
    def stream(self) -> int:
        """As Peer.stream: of independent views, it draws its own."""
        return zlib.crc32(self.name.encode())

    def embed(self, views) -> ViewEmbeddings:
        """The Embeddings of both views, by one forward pass over the 2B images."""
        h = tf.stop_gradient(self.encoder(tf.concat([views.a, views.b], axis=0), training=False))
        z = tf.stop_gradient(self.projector(h, training=False))
        halves = zip(tf.split(h, 2), tf.split(z, 2), strict=True)
        return ViewEmbeddings(*(Embeddings(h, z, z) for h, z in halves))


def between_peers(edges, peer_of_average: dict[str, str]) -> list[tuple[str, str]]:
    """(teacher, student) of edges, by name: a peer in the place of its average, which is there only where the peer trains."""
    return [(peer_of_average.get(edge.teacher, edge.teacher), edge.student) for edge in edges]


def averages_that_teach(peers, edges) -> tuple[AverageTeacher, ...]:
    """Those that an edge names."""
    teachers = {edge.teacher for edge in edges}
    return tuple(AverageTeacher(peer) for peer in peers if teachers & (peer.encoders.keys() - {peer.name}))
