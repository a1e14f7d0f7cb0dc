"""ganad-tf: train, quantize, verify and export a GAN-based visual anomaly detector.

Importing the package does not import TensorFlow; it sets what TensorFlow reads when it is
imported. The commands are made of four functions: `ganad_tf.training.train.train`,
`ganad_tf.evaluation.evaluate.evaluate`, `ganad_tf.exporting.export.export` and
`ganad_tf.exporting.verify.verify`.
"""

from ganad_tf.system.environment import prepare
from ganad_tf.version import __version__

__all__ = ["__version__"]

prepare()
