"""Small image encoders that learn from a peer, without labels (Distill on the Go), and ship to the edge."""

from dogo_tf import data, distill, encoders, evaluate, objectives, views
from dogo_tf.distill import Edge
from dogo_tf.dogo import DoGo
from dogo_tf.errors import InputError, TrainingFailure
from dogo_tf.peer import Peer
from dogo_tf.teacher import CachedTeacher, FrozenTeacher
from dogo_tf.types import Embeddings, Views

__version__ = "0.1.0"
__all__ = [
    "CachedTeacher",
    "DoGo",
    "Edge",
    "Embeddings",
    "FrozenTeacher",
    "InputError",
    "Peer",
    "TrainingFailure",
    "Views",
    "data",
    "distill",
    "encoders",
    "evaluate",
    "objectives",
    "views",
]
