"""Small image encoders that learn from a peer, without labels (Distill on the Go), and ship to the edge.

TensorFlow is loaded when something first needs it, not by this import.
"""

from typing import TYPE_CHECKING

from dogo_tf.platform import keras_compat, lazy  # noqa: F401  keras_compat chooses the Keras, before TensorFlow is loaded

if TYPE_CHECKING:
    from dogo_tf import assessment, data, distill, encoders, evaluate, objectives, selection, views
    from dogo_tf.distill import Edge
    from dogo_tf.dogo import DoGo
    from dogo_tf.errors import InputError, TrainingFailure
    from dogo_tf.finetuning.model import FineTune
    from dogo_tf.peer import Peer
    from dogo_tf.step.crop_plan import crop_plan
    from dogo_tf.teacher import CachedTeacher, FrozenTeacher
    from dogo_tf.types import Embeddings, Views
else:
    __getattr__, __dir__ = lazy.attributes(
        __name__,
        {
            "CachedTeacher": "dogo_tf.teacher",
            "DoGo": "dogo_tf.dogo",
            "Edge": "dogo_tf.distill",
            "Embeddings": "dogo_tf.types",
            "FineTune": "dogo_tf.finetuning.model",
            "FrozenTeacher": "dogo_tf.teacher",
            "InputError": "dogo_tf.errors",
            "Peer": "dogo_tf.peer",
            "TrainingFailure": "dogo_tf.errors",
            "Views": "dogo_tf.types",
            "crop_plan": "dogo_tf.step.crop_plan",
            **{
                room: f"dogo_tf.{room}"
                for room in (
                    "assessment",
                    "data",
                    "distill",
                    "encoders",
                    "evaluate",
                    "objectives",
                    "selection",
                    "views",
                )
            },
        },
    )

__version__ = "0.1.0"
__all__ = [
    "CachedTeacher",
    "DoGo",
    "Edge",
    "Embeddings",
    "FineTune",
    "FrozenTeacher",
    "InputError",
    "Peer",
    "TrainingFailure",
    "Views",
    "assessment",
    "crop_plan",
    "data",
    "distill",
    "encoders",
    "evaluate",
    "objectives",
    "selection",
    "views",
]
