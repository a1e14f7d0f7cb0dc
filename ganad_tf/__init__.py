"""ganad-tf: train, quantize, verify and export a GAN-based visual anomaly detector.

The public names below are imported when they are first used, so that `import ganad_tf` is fast: it
imports neither TensorFlow nor NumPy, and leaves the environment of the process alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ganad_tf.version import __version__

if TYPE_CHECKING:
    from ganad_tf.api.detector import Detector
    from ganad_tf.api.functions import evaluate, export, score_folder, train, verify
    from ganad_tf.api.prediction import Prediction
    from ganad_tf.config import RunConfig as Config
    from ganad_tf.errors import UserError
    from ganad_tf.run import Run

_PLACES = {
    "Config": "ganad_tf.config:RunConfig",
    "Detector": "ganad_tf.api.detector:Detector",
    "Prediction": "ganad_tf.api.prediction:Prediction",
    "Run": "ganad_tf.run:Run",
    "UserError": "ganad_tf.errors:UserError",
    "evaluate": "ganad_tf.api.functions:evaluate",
    "export": "ganad_tf.api.functions:export",
    "score_folder": "ganad_tf.api.functions:score_folder",
    "train": "ganad_tf.api.functions:train",
    "verify": "ganad_tf.api.functions:verify",
}

__all__ = [
    "Config",
    "Detector",
    "Prediction",
    "Run",
    "UserError",
    "__version__",
    "evaluate",
    "export",
    "score_folder",
    "train",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
