"""What becomes of a file that is decoded in this process, for one input specification."""

from pathlib import Path

import numpy as np
import pytest

from image_pipeline.imaging.decode import decode_image
from image_pipeline.schema.input_spec import InputSpec
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import ImageError


def pixels_of(spec: InputSpec, path: Path) -> np.ndarray:
    """The decoded picture, uint8 `[height, width, 3]`."""
    return decode_image(path, [spec]).arrays[0].transpose(1, 2, 0)


def rejection_of(spec: InputSpec, path: Path, limits: DecodeLimits | None = None) -> ImageError:
    """The error with which the file is rejected; fails if it is not."""
    with pytest.raises(ImageError) as caught:
        decode_image(path, [spec], limits)
    return caught.value
