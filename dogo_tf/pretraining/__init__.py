"""A whole pre-training run: settings, training, callbacks, probes on the way."""
