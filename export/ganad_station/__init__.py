"""The program of an inspection station; it needs no TensorFlow."""
