"""How good are frozen features? Embed the images, then ask a nearest-neighbour vote and a linear probe."""

from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.knn import KnnResult, knn_accuracy
from dogo_tf.evaluate.linear import LinearProbe, linear_probe

__all__ = ["KnnResult", "LinearProbe", "embed", "knn_accuracy", "linear_probe"]
