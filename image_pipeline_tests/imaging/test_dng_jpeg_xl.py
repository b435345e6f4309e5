"""DNG files whose sensor data is compressed as JPEG XL."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import DecodePath, ImageError, Reason
from image_pipeline_tests.support.scenes import difference, scene, write

WIDTH, HEIGHT = 480, 320
SPEC = InputSpec(HEIGHT, WIDTH, ResizeMode.SQUASH, Interpolation.BICUBIC)
BYTES, SHORTS, TEXT, RATIONALS, SIGNED = 1, 3, 2, 5, 10
LINEAR_RAW, MOSAIC = 34892, 32803


def linear() -> np.ndarray:
    """The light of the scene, uint16 `[height, width, 3]`, at half of the sensor's range."""
    values = np.asarray(scene(WIDTH, HEIGHT)) / 255
    return np.rint(32768 * np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)).astype(
        np.uint16
    )


def dng(mosaic: bool = False, compression: str | None = "JPEGXL_DNG") -> bytes:
    """A DNG 1.7 of a camera whose colours are those of sRGB."""
    light = linear()
    tags: list[tuple[object, ...]] = [
        (50706, BYTES, 4, (1, 7, 1, 0), True),
        (50708, TEXT, 0, "Testcam", True),
        (271, TEXT, 0, "Testmaker", True),
        (50721, SIGNED, 9, matrix(), True),
        (50728, RATIONALS, 3, (1, 1) * 3, True),
        (50778, SHORTS, 1, 21, True),
        (50717, SHORTS, 1 if mosaic else 3, 65535 if mosaic else (65535,) * 3, True),
    ]
    if mosaic:
        samples = light[..., 1].copy()
        samples[::2, ::2], samples[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
        tags += [(33421, SHORTS, 2, (2, 2), True), (33422, BYTES, 4, (0, 1, 1, 2), True)]
    else:
        samples = light
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(
            samples,
            photometric=MOSAIC if mosaic else LINEAR_RAW,
            planarconfig=None if mosaic else "contig",
            compression=compression,
            compressionargs={"lossless": True} if compression else None,
            tile=(160, 160),
            extratags=tags,
            metadata=None,
        )
    return buffer.getvalue()


def matrix() -> tuple[int, ...]:
    """From XYZ to linear sRGB, in ten thousandths."""
    values = (32405, -15371, -4985, -9693, 18760, 416, 556, -2040, 10572)
    return tuple(number for value in values for number in (value, 10000))


def pixels(path: Path) -> np.ndarray:
    return decode_image(path, [SPEC]).arrays[0].transpose(1, 2, 0)


@pytest.mark.parametrize("mosaic", [False, True])
def test_it_looks_like_the_same_file_without_compression(tmp_path: Path, mosaic: bool) -> None:
    path = write(tmp_path, "a.dng", dng(mosaic))

    decoded = decode_image(path, [SPEC])

    assert (decoded.width, decoded.height, decoded.decode_path) == (WIDTH, HEIGHT, DecodePath.RAW_FULL)
    np.testing.assert_array_equal(pixels(path), pixels(write(tmp_path, "b.dng", dng(mosaic, None))))
    assert difference(pixels(path), np.asarray(scene(WIDTH, HEIGHT))) < 40


def test_its_metadata_is_read(tmp_path: Path) -> None:
    assert read_metadata(write(tmp_path, "a.dng", dng())).camera_make == "Testmaker"


def test_one_that_is_cut_off_is_rejected(tmp_path: Path) -> None:
    content = dng()

    for kept in (0.3, 0.7, 0.98):
        with pytest.raises(ImageError) as caught:
            decode_image(write(tmp_path, "a.dng", content[: int(kept * len(content))]), [SPEC])
        assert caught.value.reason is Reason.TRUNCATED


def test_one_that_is_too_large_is_not_decoded(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        decode_image(write(tmp_path, "a.dng", dng()), [SPEC], DecodeLimits(pixels=100_000))
    assert caught.value.reason is Reason.TOO_MANY_PIXELS
