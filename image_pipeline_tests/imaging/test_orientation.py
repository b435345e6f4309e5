"""Pictures are seen the way they were taken."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline_tests.support.scenes import difference, encoded, exif, scene, write

SPEC = InputSpec(64, 64, ResizeMode.SQUASH, Interpolation.BICUBIC)

# How a picture is stored so that the orientation brings it back.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "HEIF": ".heic", "AVIF": ".avif"}


def stored(image: Image.Image, orientation: int) -> Image.Image:
    transpose = STORED[orientation]
    return image if transpose is None else image.transpose(transpose)


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("orientation", STORED)
def test_all_eight_orientations_give_the_same_picture(tmp_path: Path, image_format: str, orientation: int) -> None:
    options = {} if image_format in ("PNG", "TIFF") else {"quality": 95}
    content = encoded(stored(scene(), orientation), image_format, exif=exif(orientation), **options)
    path = write(tmp_path, f"a{FORMATS[image_format]}", content)
    expected = np.asarray(scene().resize((64, 64), Image.Resampling.BICUBIC)).transpose(2, 0, 1)

    decoded = decode_image(path, [SPEC])
    metadata = read_metadata(path)

    assert (decoded.width, decoded.height) == (96, 64)
    assert difference(decoded.arrays[0], expected) < 4
    assert (metadata.width, metadata.height) == (96, 64)


def test_a_scaled_jpeg_is_turned_too(tmp_path: Path) -> None:
    large = scene(1200, 800)
    upright = decode_image(write(tmp_path, "a.jpg", encoded(large, "JPEG")), [SPEC])
    turned = decode_image(write(tmp_path, "b.jpg", encoded(stored(large, 6), "JPEG", exif=exif(6))), [SPEC])

    assert (turned.width, turned.height) == (1200, 800)
    assert difference(upright.arrays[0], turned.arrays[0]) < 2


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_means_nothing_turns_nothing(tmp_path: Path, value: int) -> None:
    path = write(tmp_path, "a.jpg", encoded(scene(), "JPEG", exif=exif(value)))

    decoded = decode_image(path, [SPEC])

    assert (decoded.width, decoded.height) == (96, 64)
    assert read_metadata(path).orientation == 1
