"""Quantization of the generator: from a float Keras 3 model to int8 kernels."""
