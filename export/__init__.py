"""Encoder -> SavedModel -> TFLite, each checked against the original. Installed as dogo_tf.export."""
