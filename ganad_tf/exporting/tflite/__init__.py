"""The generator as a TFLite file."""
