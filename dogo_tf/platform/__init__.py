"""The ground under the package: which Keras, files, plug-ins, and a quiet start."""
