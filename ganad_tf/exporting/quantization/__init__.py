"""From the float Keras 3 generator to a quantization-aware tf_keras model."""
