"""Encoder -> SavedModel -> TFLite, each checked against the original. Installed as dogo_tf.export."""

from typing import TYPE_CHECKING

from dogo_tf.platform import lazy

if TYPE_CHECKING:
    from dogo_tf.export.card import Card, load_card
else:  # not at once: TensorFlow is loaded when something first needs it
    __getattr__, __dir__ = lazy.attributes(__name__, {name: "dogo_tf.export.card" for name in ("Card", "load_card")})

__all__ = ["Card", "load_card"]
