"""Is a peer learning, agreeing, collapsing? The metrics of a step."""

from dogo_tf.distill.similarity_kl import agreement_at_1
from dogo_tf.numerics.similarity import unit_rows
from dogo_tf.platform.keras_compat import keras, tf


def spread(z):
    """Standard deviation of unit rows z [B, D] over a replica's batch, mean over dimensions, times sqrt(D).

    1 for directions spread evenly over the sphere, 0 after a complete collapse (SimSiam, section 4.1).
    """
    z = unit_rows(z)
    return tf.reduce_mean(tf.math.reduce_std(z, axis=0)) * tf.sqrt(tf.cast(tf.shape(z)[1], z.dtype))


def effective_rank(z):
    """How many directions the centred unit rows z [B, D] use: (trace C)**2 / trace(C**2), from 1 to min(B - 1, D).

    The participation ratio of the covariance's eigenvalues: like the entropy-based effective rank it is n for n equal
    eigenvalues, but it needs one matrix product and no decomposition. 0 after a complete collapse.
    """
    z = unit_rows(z)
    z -= tf.reduce_mean(z, axis=0)
    # trace(C) and trace(C**2) are the same for z^T z and z z^T; the smaller one is cheaper.
    fewer_rows = z.shape[0] is not None and z.shape[0] < z.shape[1]
    gram = tf.matmul(z, z, transpose_a=not fewer_rows, transpose_b=fewer_rows)
    return tf.math.divide_no_nan(tf.linalg.trace(gram) ** 2, tf.reduce_sum(gram**2))


def gradient_norm(gradients):
    """The norm of all gradients together; 0 where it is not finite, as in the steps that loss scaling skips."""
    norm = tf.linalg.global_norm(gradients)
    return tf.where(tf.math.is_finite(norm), norm, tf.zeros_like(norm))


def of_embeddings(own, terms, embeddings) -> dict:
    """What a peer's ViewEmbeddings tell: std and effective rank of its z and, if it has teachers, agreement with them (mean).

    terms: the Schemes by which it learns. embeddings: of all networks.
    """
    z = tf.concat([own.a.z, own.b.z], axis=0)
    values = {"std": spread(z), "effective_rank": effective_rank(z)}
    if terms:
        agreements = [agreement_at_1(*term.compared(own, embeddings[term.teacher])) for term in terms]
        values["agreement"] = tf.add_n(agreements) / len(terms)
    return values


ONLY_IN_TRAINING = ("gradient_norm",)


class PeerMetrics:
    """Running means of one peer's metrics, named "<peer>/<metric>"."""

    def __init__(self, peer: str, with_teachers: bool):
        names = ["ssl", "std", "effective_rank", *ONLY_IN_TRAINING]
        if with_teachers:
            names += ["distill", "agreement"]
        self.means = {name: keras.metrics.Mean(f"{peer}/{name}") for name in names}

    def update(self, values: dict) -> dict:
        """Takes the step's values by metric name; returns the running means of these by full name."""
        for name, value in values.items():
            self.means[name].update_state(value)
        return {self.means[name].name: self.means[name].result() for name in values}

    def results(self) -> dict:
        """All running means by full name."""
        return {mean.name: mean.result() for mean in self.means.values()}


def all_means(peer_metrics) -> list:
    """Those of all peers; last those of training alone, as `evaluate` returns its numbers in this order, without them."""
    means = [(name in ONLY_IN_TRAINING, mean) for metrics in peer_metrics for name, mean in metrics.means.items()]
    return [mean for _, mean in sorted(means, key=lambda pair: pair[0])]
