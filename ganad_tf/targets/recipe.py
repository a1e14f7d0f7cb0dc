"""Recipes: how model files are made."""

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """Format of a model file."""

    TFLITE = "tflite"
    ONNX = "onnx"


class Precision(StrEnum):
    """Number format of a model file."""

    INT8 = "int8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


class Scheme(StrEnum):
    """The mapping of activations to 8 bits; kernels are symmetric in both schemes.

    Attributes:
        ASYMMETRIC: 256 levels from 0 up, as in TFLite and onnxruntime.
        SYMMETRIC: 127 levels from 0 up, with zero point 0; the only scheme that TensorRT takes (its
            developer guide, "Explicit Quantization").
    """

    ASYMMETRIC = "asymmetric"
    SYMMETRIC = "symmetric"


class Upsampling(StrEnum):
    """The layers of a TFLite file that upsample feature maps.

    Attributes:
        TRANSPOSED: Transposed convolutions only.
        SUBPIXEL: Convolutions and DEPTH_TO_SPACE in layers with few output channels.
    """

    TRANSPOSED = "transposed"
    SUBPIXEL = "subpixel"


@dataclass(frozen=True)
class Variant:
    """The kind of files that are exported for all targets.

    Attributes:
        precision: Number format of the files.
        is_post_training: Whether int8 files are calibrated only, without quantization-aware
            training.
    """

    precision: Precision = Precision.INT8
    is_post_training: bool = False


@dataclass(frozen=True)
class Recipe:
    """The recipe of a model file.

    Attributes:
        file: File name inside the bundle.
        format: Format of the file.
        precision: Number format of weights and activations.
        scheme: Mapping of int8 activations.
        upsampling: Layers that upsample feature maps.
        is_post_training: Whether an int8 file is calibrated only, without quantization-aware
            training.
    """

    file: str
    format: Format
    precision: Precision = Precision.INT8
    scheme: Scheme = Scheme.ASYMMETRIC
    upsampling: Upsampling = Upsampling.TRANSPOSED
    is_post_training: bool = False

    @property
    def has_io_type(self) -> bool:
        """Whether input and output can be chosen to be int8 or uint8."""
        return self.format == Format.TFLITE and self.precision == Precision.INT8
