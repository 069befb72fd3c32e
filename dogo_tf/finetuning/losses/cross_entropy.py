"""Cross-entropy: -log p[label]."""

from dogo_tf.platform.keras_compat import tf


def loss(logits, labels):
    """logits [B, C], labels integers [B] -> nats [B], without bound: a wrong label counts for more the less it fits."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
