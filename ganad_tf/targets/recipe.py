"""How a model file is made."""

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
    """How activations are mapped to 8 bits; kernels are symmetric in both.

    Attributes:
        ASYMMETRIC: 256 levels from 0 up; what TFLite and onnxruntime have.
        SYMMETRIC: 127 levels from 0 up, zero point 0; all that TensorRT takes (its developer
            guide, "Explicit Quantization").
    """

    ASYMMETRIC = "asymmetric"
    SYMMETRIC = "symmetric"


class Upsampling(StrEnum):
    """How a TFLite file enlarges maps.

    Attributes:
        TRANSPOSED: By transposed convolutions alone.
        SUBPIXEL: Where there are few output channels, by convolutions and DEPTH_TO_SPACE.
    """

    TRANSPOSED = "transposed"
    SUBPIXEL = "subpixel"


@dataclass(frozen=True)
class Variant:
    """What is exported, for all targets.

    Attributes:
        precision: Number format of the files.
        is_post_training: Whether int8 comes from calibration alone, without training.
    """

    precision: Precision = Precision.INT8
    is_post_training: bool = False


@dataclass(frozen=True)
class Recipe:
    """How a model file is made.

    Attributes:
        file: Its name.
        format: Its format.
        precision: Its number format.
        scheme: How int8 activations are mapped.
        upsampling: How maps are enlarged.
        is_post_training: Whether int8 comes from calibration alone.
    """

    file: str
    format: Format
    precision: Precision = Precision.INT8
    scheme: Scheme = Scheme.ASYMMETRIC
    upsampling: Upsampling = Upsampling.TRANSPOSED
    is_post_training: bool = False

    @property
    def has_io_type(self) -> bool:
        """Whether input and output can be int8 or uint8."""
        return self.format == Format.TFLITE and self.precision == Precision.INT8
