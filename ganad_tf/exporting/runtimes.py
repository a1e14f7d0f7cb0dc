"""The runtimes of model files that can be run here, so that a file is verified under each."""

from pathlib import Path

from ganad_station.choice import PACKAGES, open_model
from ganad_station.errors import StationError
from ganad_station.runtimes.litert import LiteRtModel
from ganad_station.runtimes.model import Model
from ganad_station.runtimes.onnx import OnnxModel
from ganad_tf.errors import UserError, reason

LITERT, LITERT_WITHOUT_XNNPACK = "LiteRT", "LiteRT without XNNPACK"
ONNXRUNTIME, ONNXRUNTIME_AS_WRITTEN = "onnxruntime", "onnxruntime, Q/DQ as written"


def open_in_all_runtimes(path: Path) -> dict[str, Model]:
    """Load a model file in each runtime that may run it on a station and can be run here.

    - LiteRT with XNNPACK: x86-64 and 64-bit Arm.
    - LiteRT without it: tflite-runtime, 32-bit Arm, microcontrollers. Its kernels give the same
      bits as its reference kernels, which lack version 2 of DEPTH_TO_SPACE.
    - onnxruntime as it is, which fuses Q/DQ pairs with the operators between them.
    - onnxruntime with `session.disable_quant_qdq`, which computes as the file says. Other runtimes,
      such as TensorRT, fuse what they choose.

    Returns:
        The models by the name of the runtime, that of a station on the same processor first.

    Raises:
        UserError: If the file does not exist, is not a model, or has no runtime here.
    """
    if not path.is_file():
        raise UserError(f"{path} does not exist: give a model file that export wrote")
    try:
        model = open_model(path)
        if isinstance(model, LiteRtModel) and not model.uses_edge_tpu:
            other = LiteRtModel(path, without_xnnpack=True)
            return {LITERT: model, LITERT_WITHOUT_XNNPACK: other}
        if isinstance(model, OnnxModel):
            return {ONNXRUNTIME: model, ONNXRUNTIME_AS_WRITTEN: OnnxModel(path, as_written=True)}
    except ImportError:
        raise UserError(f"{path} needs pip install {PACKAGES[path.suffix]}") from None
    except (StationError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} cannot be loaded ({reason(error)}): export it again") from None
    return {model.runtime: model}
