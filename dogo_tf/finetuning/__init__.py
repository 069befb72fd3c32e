"""From an encoder and labels, few or partly wrong, to a classifier."""
