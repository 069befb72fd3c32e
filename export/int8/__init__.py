"""An int8 .tflite file, followed in TensorFlow: its ranges chosen anew, its weights trained, its bytes written back."""
