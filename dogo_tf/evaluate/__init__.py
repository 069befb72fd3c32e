"""How good is an encoder? Embed the images, then ask a nearest-neighbour vote, linear probes, or fine-tune it."""

from dogo_tf.evaluate.best_epoch import TrainedProbe
from dogo_tf.evaluate.feature_cache import FeatureCache
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.knn import KnnResult, knn_accuracy
from dogo_tf.evaluate.linear import LinearProbe, linear_probe
from dogo_tf.evaluate.linear_adam import linear_probe_adam
from dogo_tf.evaluate.sources import fingerprint, load_encoder

__all__ = [
    "FeatureCache",
    "KnnResult",
    "LinearProbe",
    "TrainedProbe",
    "embed",
    "fingerprint",
    "knn_accuracy",
    "linear_probe",
    "linear_probe_adam",
    "load_encoder",
]
