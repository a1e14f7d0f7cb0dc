"""Saving Keras models to files that are never incomplete, and loading them."""

from pathlib import Path
from typing import TypeVar

import keras

import ganad_tf.models.optimizer  # noqa: F401 (registers FusedAdam, which checkpoints hold)
from ganad_tf.errors import UserError, reason
from ganad_tf.models.detector import AnomalyDetector
from ganad_tf.system.files import replacing

Loaded = TypeVar("Loaded", bound=keras.Model)


def save_model(model: keras.Model, path: Path) -> None:
    """Write a model to a `.keras` file, replacing an existing file in one step."""
    with replacing(path) as temporary:
        model.save(temporary)


def load_checkpoint(path: Path) -> AnomalyDetector:
    """Load a detector with its optimizer.

    Raises:
        UserError: If the file is missing, damaged, or of another checkpoint version.
    """
    return _load(path, AnomalyDetector)


def load_generator(path: Path) -> keras.Model:
    """Load a generator.

    Raises:
        UserError: If the file is missing or damaged.
    """
    return _load(path, keras.Model)


def _load(path: Path, kind: type[Loaded]) -> Loaded:
    if not path.is_file():
        raise UserError(f"{path} does not exist: finish the training with --resume")
    try:
        model = keras.saving.load_model(path)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except Exception as error:  # a damaged archive raises whatever its first bad byte leads to
        raise UserError(f"{path} cannot be loaded ({reason(error)}): train again") from None
    if not isinstance(model, kind):
        raise UserError(f"{path} holds a {type(model).__name__}, not a {kind.__name__}")
    return model
