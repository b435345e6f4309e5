"""DNG files whose sensor data is compressed as JPEG XL."""

from pathlib import Path

import numpy as np
import pytest

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import DecodePath, ImageError, Reason
from image_pipeline_tests.support.dng_jpeg_xl import HEIGHT, WIDTH, dng
from image_pipeline_tests.support.scenes import difference, scene, write

SPEC = InputSpec(HEIGHT, WIDTH, ResizeMode.SQUASH, Interpolation.BICUBIC)


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
