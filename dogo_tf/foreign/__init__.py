"""What other frameworks have computed or can compute: files of features, networks in ONNX files."""
