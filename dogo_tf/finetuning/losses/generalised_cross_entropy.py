"""Generalised cross-entropy (Zhang and Sabuncu, NeurIPS 2018): (1 - p[label]^q) / q, for labels of which some are wrong.

Its gradient is that of cross-entropy times p[label]^q: a label that the classifier finds impossible pulls little.
"""

from dogo_tf.platform.keras_compat import tf

Q = 0.7  # the authors'; 0 is cross-entropy, 1 is 1 - p


def loss(logits, labels, q: float = Q):
    """logits [B, C], labels integers [B] -> [B], each in 0..1/q. q: above 0, up to 1."""
    log_p = -tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    return -tf.math.expm1(q * log_p) / q
