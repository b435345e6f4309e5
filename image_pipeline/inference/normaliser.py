"""Normalisation of pixels to the values that a model was trained on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from image_pipeline.inference.device import Device

if TYPE_CHECKING:
    import torch


class Normaliser:
    """Scales pixels to 0…1, subtracts the mean, and divides by the standard deviation, for each channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: Device) -> None:
        """`mean` and `std` have one number per channel, for pixels in 0…1."""
        import torch

        self._device, self._dtype = device.torch_device, device.torch_dtype
        self._mean, self._std = (
            torch.tensor(values, dtype=torch.float32, device=self._device).view(1, 3, 1, 1) for values in (mean, std)
        )

    def __call__(self, batch: "torch.Tensor") -> "torch.Tensor":
        """The batch, uint8 `[n, 3, height, width]`, normalised in fp32 and converted to the device's number format."""
        import torch

        pixels = batch.to(self._device, non_blocking=True).to(torch.float32)
        # Convolutions are as fast or faster with the channels of a pixel side by side.
        pixels = pixels.div_(255).sub_(self._mean).div_(self._std)
        return pixels.to(self._dtype, memory_format=torch.channels_last)
