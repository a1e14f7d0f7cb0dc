"""ganad-tf: train, quantize, verify and export a GAN-based visual anomaly detector."""

from ganad_tf.version import __version__

__all__ = ["__version__"]
