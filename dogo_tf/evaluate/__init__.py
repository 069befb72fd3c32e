"""How good is an encoder? Embed the images, then ask a nearest-neighbour vote, linear probes, or fine-tune it."""

from typing import TYPE_CHECKING

from dogo_tf.platform import lazy

if TYPE_CHECKING:
    from dogo_tf.evaluate.best_epoch import TrainedProbe
    from dogo_tf.evaluate.feature_cache import FeatureCache
    from dogo_tf.evaluate.features import embed
    from dogo_tf.evaluate.knn import KnnResult, knn_accuracy
    from dogo_tf.evaluate.linear import LinearProbe, linear_probe
    from dogo_tf.evaluate.linear_adam import linear_probe_adam
    from dogo_tf.evaluate.sources import fingerprint, load_encoder
else:
    __getattr__, __dir__ = lazy.attributes(
        __name__,
        {
            "FeatureCache": "dogo_tf.evaluate.feature_cache",
            "KnnResult": "dogo_tf.evaluate.knn",
            "LinearProbe": "dogo_tf.evaluate.linear",
            "TrainedProbe": "dogo_tf.evaluate.best_epoch",
            "embed": "dogo_tf.evaluate.features",
            "fingerprint": "dogo_tf.evaluate.sources",
            "knn_accuracy": "dogo_tf.evaluate.knn",
            "linear_probe": "dogo_tf.evaluate.linear",
            "linear_probe_adam": "dogo_tf.evaluate.linear_adam",
            "load_encoder": "dogo_tf.evaluate.sources",
        },
    )

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
