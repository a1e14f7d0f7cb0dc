"""Running an exported model on the station's own runtime."""

from pathlib import Path

import numpy as np

from ganad_station.score import clip_reconstructions, scores, to_input


class TfliteModel:
    """A `.tflite` generator under LiteRT.

    Args:
        path: The file.
        threads: Threads of the interpreter.

    Raises:
        ValueError: If the runtime cannot load the file.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

    @property
    def image_shape(self) -> tuple:
        """Height, width and channels of the images."""
        return tuple(int(side) for side in self._input["shape"][1:])

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Reconstruct images one by one.

        Args:
            images: uint8 `(count, height, width, channels)`.

        Returns:
            float32 of the same shape, clipped to [0, 1].
        """
        return np.concatenate([self._reconstruct_one(image[np.newaxis]) for image in images])

    def score(self, images: np.ndarray) -> np.ndarray:
        """Return the anomaly score of each image, float64 `(count,)` in [0, 1]."""
        return np.concatenate(
            [
                scores(image[np.newaxis], self._reconstruct_one(image[np.newaxis]))
                for image in images
            ]
        )

    def _reconstruct_one(self, image: np.ndarray) -> np.ndarray:
        self._interpreter.set_tensor(self._input["index"], self._quantize(to_input(image)))
        self._interpreter.invoke()
        return clip_reconstructions(
            self._dequantize(self._interpreter.get_tensor(self._output["index"]))
        )

    def _quantize(self, values: np.ndarray) -> np.ndarray:
        scale, zero_point = self._input["quantization"]
        if self._input["dtype"] == np.float32:
            return values
        levels = np.round(values / np.float32(scale)) + zero_point
        return np.clip(levels, -128, 127).astype(np.int8)

    def _dequantize(self, levels: np.ndarray) -> np.ndarray:
        scale, zero_point = self._output["quantization"]
        if self._output["dtype"] == np.float32:
            return levels
        return (levels.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
