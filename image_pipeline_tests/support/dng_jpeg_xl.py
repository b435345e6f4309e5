"""A writer of DNG files whose sensor data is compressed as JPEG XL (Adobe's DNG specification 1.7)."""

import io

import numpy as np
import tifffile

from image_pipeline_tests.support.scenes import scene

WIDTH, HEIGHT = 480, 320
_BYTES, _SHORTS, _TEXT, _RATIONALS, _SIGNED = 1, 3, 2, 5, 10
_LINEAR_RAW, _MOSAIC = 34892, 32803


def _linear() -> np.ndarray:
    """The light of the scene, uint16 `[height, width, 3]`, at half of the sensor's range."""
    values = np.asarray(scene(WIDTH, HEIGHT)) / 255
    return np.rint(32768 * np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)).astype(
        np.uint16
    )


def dng(mosaic: bool = False, compression: str | None = "JPEGXL_DNG") -> bytes:
    """A DNG 1.7 of a camera whose colours are those of sRGB."""
    light = _linear()
    tags: list[tuple[object, ...]] = [
        (50706, _BYTES, 4, (1, 7, 1, 0), True),
        (50708, _TEXT, 0, "Testcam", True),
        (271, _TEXT, 0, "Testmaker", True),
        (50721, _SIGNED, 9, _matrix(), True),
        (50728, _RATIONALS, 3, (1, 1) * 3, True),
        (50778, _SHORTS, 1, 21, True),
        (50717, _SHORTS, 1 if mosaic else 3, 65535 if mosaic else (65535,) * 3, True),
    ]
    if mosaic:
        samples = light[..., 1].copy()
        samples[::2, ::2], samples[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
        tags += [(33421, _SHORTS, 2, (2, 2), True), (33422, _BYTES, 4, (0, 1, 1, 2), True)]
    else:
        samples = light
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(
            samples,
            photometric=_MOSAIC if mosaic else _LINEAR_RAW,
            planarconfig=None if mosaic else "contig",
            compression=compression,
            compressionargs={"lossless": True} if compression else None,
            tile=(160, 160),
            extratags=tags,
            metadata=None,
        )
    return buffer.getvalue()


def _matrix() -> tuple[int, ...]:
    """From XYZ to linear sRGB, in ten thousandths."""
    values = (32405, -15371, -4985, -9693, 18760, 416, 556, -2040, 10572)
    return tuple(number for value in values for number in (value, 10000))
