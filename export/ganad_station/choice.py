"""Choosing the model of a bundle: the first whose runtime and device are available."""

from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

from ganad_station.bundle import Bundle
from ganad_station.errors import StationError
from ganad_station.printing import printable
from ganad_station.runtimes.model import Model
from ganad_station.verification import Outcome, VerificationEntry

EDGE_TPU_SUFFIX = "_edgetpu.tflite"
COMPILED_FOR_THE_DEVICE = ("model.engine", "model_edgetpu.tflite")
PACKAGES = {".tflite": "ai-edge-litert", ".onnx": "onnxruntime", ".engine": "tensorrt"}


def open_model(path: Path, threads: int = 1) -> Model:
    """Load a model file in the runtime that its name calls for.

    Args:
        path: A `.tflite`, `_edgetpu.tflite`, `.onnx` or `.engine` file.
        threads: Number of threads of the runtime.

    Raises:
        StationError: If the suffix is not one of these, or the device is missing.
        ImportError: If its runtime is not installed.
        ValueError: If the runtime cannot load it.
    """
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        raise StationError(
            "{} is not a model file: give one that ends in {}".format(path, ", ".join(_OPENERS))
        )
    return opener(path, threads)


class Choice(NamedTuple):
    """The model of a bundle that runs here.

    Attributes:
        path: Path of the model file.
        model: The model, loaded in its runtime.
        outcome: What the verification of the file proved; None if it has not been verified.
        doubt: Why it may decide otherwise than the float model, in words; None if it is verified.
        skipped: The preferred models that are not used, each with the reason, in words.
    """

    path: Path
    model: Model
    outcome: Optional[Outcome]
    doubt: Optional[str]
    skipped: List[str]

    @property
    def warnings(self) -> List[str]:
        """What a user should know of the choice, one line each; empty if nothing."""
        lines = [f"skipped {reason}; using {self.path.name}" for reason in self.skipped]
        if self.doubt is not None:
            lines.append(f"{self.path} {self.doubt}: see ganad-tf verify")
        return lines


def choose_model(
    bundle: Bundle,
    threads: int,
    accept_failed: bool = False,
    how_to_accept: str = "--accept-failed takes it",
) -> Choice:
    """Load the first model of a bundle that runs here.

    Args:
        bundle: The bundle that contains the models.
        threads: Number of threads of the runtime.
        accept_failed: Whether a model that failed its verification is used. Otherwise, it is
            skipped.
        how_to_accept: How the user sets `accept_failed`, for the message.

    Raises:
        StationError: If no model runs here.
    """
    reasons: List[str] = []
    for name in _candidates(bundle):
        entry = bundle.manifest.verification.get(bundle.manifest.exported_name(name))
        doubt = _doubt(entry)
        if entry is not None and entry.outcome is Outcome.FAILED and not accept_failed:
            reasons.append(f"{name}: {doubt}: see ganad-tf verify ({how_to_accept})")
            continue
        model = _try_to_open(bundle, name, threads, reasons)
        if model is not None:
            outcome = None if entry is None else entry.outcome
            return Choice(bundle.folder / name, model, outcome, doubt, reasons)
    raise StationError("no model of {} runs here: {}".format(bundle.folder, "; ".join(reasons)))


def _doubt(entry: Optional[VerificationEntry]) -> Optional[str]:
    """Say why a model may decide otherwise than the float model; None if it is verified."""
    if entry is None:
        return "is not verified"
    if entry.is_verified:
        return None
    about = "failed" if entry.outcome is Outcome.FAILED else "is undecided in"
    reason = f" ({printable(entry.reason)})" if entry.reason else ""
    return f"{about} its verification{reason}"


def _try_to_open(bundle: Bundle, name: str, threads: int, reasons: List[str]) -> Optional[Model]:
    path, shape = bundle.folder / name, bundle.manifest.input.shape
    try:
        model = open_model(path, threads)
        if model.image_shape != shape:
            raise StationError(
                f"takes images of shape {model.image_shape}, manifest.json says {shape}"
            )
        return model
    except ImportError:
        reasons.append(f"{path.name} needs pip install {PACKAGES[path.suffix]}")
    except (StationError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        reasons.append(f"{path.name}: {error}")
    return None


def _candidates(bundle: Bundle) -> List[str]:
    names = [model.file for model in bundle.manifest.models]
    # These files are compiled on the station, after export, so that no manifest names them.
    compiled = [name for name in COMPILED_FOR_THE_DEVICE if (bundle.folder / name).is_file()]
    return compiled + names


def _open_tflite(path: Path, threads: int) -> Model:
    from ganad_station.runtimes.litert import LiteRtModel

    return LiteRtModel(path, threads, uses_edge_tpu=path.name.endswith(EDGE_TPU_SUFFIX))


def _open_onnx(path: Path, threads: int) -> Model:
    from ganad_station.runtimes.onnx import OnnxModel

    return OnnxModel(path, threads)


def _open_engine(path: Path, _threads: int) -> Model:
    from ganad_station.runtimes.tensorrt import TensorRtModel

    return TensorRtModel(path)


_OPENERS: Dict[str, Callable[[Path, int], Model]] = {
    ".tflite": _open_tflite,
    ".onnx": _open_onnx,
    ".engine": _open_engine,
}
