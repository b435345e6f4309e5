"""Input specification of a model: the size of its images, and how an image is resized to it."""

from dataclasses import dataclass
from enum import StrEnum


class ResizeMode(StrEnum):
    """How an image of any shape becomes `height` × `width`; the names are open_clip's own."""

    SHORTEST = "shortest"
    """The shorter side is scaled to the target, and only the centre is kept."""
    LONGEST = "longest"
    """The longer side is scaled to the target, and the rest is filled."""
    SQUASH = "squash"
    """Both sides are scaled to the target; proportions are not kept."""


class Interpolation(StrEnum):
    """The resampling filter."""

    BICUBIC = "bicubic"
    BILINEAR = "bilinear"


@dataclass(frozen=True)
class InputSpec:
    """The input of a model: an RGB image of `height` × `width`, as uint8 `[3, height, width]`.

    `fill` is the grey value (0–255) around an image in mode `longest`. Mean and standard deviation are not included:
    the model applies them on the device.
    """

    height: int
    width: int
    resize_mode: ResizeMode
    interpolation: Interpolation
    fill: int = 0

    @property
    def row_bytes(self) -> int:
        """The size of one image in a tensor file, in bytes."""
        return 3 * self.height * self.width

    def __str__(self) -> str:
        """A name for use in file names: `224x224-squash-bicubic`."""
        name = f"{self.height}x{self.width}-{self.resize_mode}-{self.interpolation}"
        return f"{name}-fill{self.fill}" if self.resize_mode is ResizeMode.LONGEST and self.fill else name
