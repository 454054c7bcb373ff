"""Exports for TensorFlow Serving, TFLite and Keras, and a client of model servers."""
