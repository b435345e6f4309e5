"""RAW files: preview, half size, full size, and those whose sensor data is gone."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import DecodePath, ImageError, Reason
from image_pipeline_tests.support.decoding import rejection_of
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.scenes import encoded, scene, to_image, write

SPEC = InputSpec(64, 64, ResizeMode.SQUASH, Interpolation.BICUBIC)
PREVIEW = encoded(scene(240, 160), "JPEG", quality=95)


rejection = partial(rejection_of, SPEC)


def is_the_scene(array: np.ndarray) -> bool:
    """Whether the red disc is at the top left and the blue bar on the right, however a RAW was developed."""
    image = to_image(array)
    red, green, blue = image.getpixel((16, 18))
    disc = red > 1.5 * green and red > 1.5 * blue
    red, green, blue = image.getpixel((56, 40))
    return disc and blue > 1.5 * red and blue > 1.5 * green


def test_a_good_preview_stands_for_the_picture(tmp_path: Path) -> None:
    decoded = decode_image(write(tmp_path, "a.dng", dng(scene(480, 320), PREVIEW)), [SPEC])

    assert decoded.decode_path is DecodePath.RAW_PREVIEW
    assert (decoded.width, decoded.height) == (480, 320)
    assert is_the_scene(decoded.arrays[0])


def test_a_large_thumbnail_is_made_of_the_sensor_data_if_the_preview_is_smaller(tmp_path: Path) -> None:
    path = write(tmp_path, "a.dng", dng(scene(480, 320), PREVIEW))
    assert decode_image(path, [], side=320).decode_path is DecodePath.RAW_PREVIEW
    decoded = decode_image(path, [], side=1024)
    assert decoded.decode_path is DecodePath.RAW_FULL
    assert decoded.thumbnail is not None
    with Image.open(write(tmp_path, "t.webp", decoded.thumbnail)) as image:
        assert image.size == (480, 320)


@pytest.mark.parametrize("preview", [PREVIEW, None])
def test_a_raw_is_turned_once_whichever_way_it_is_decoded(tmp_path: Path, preview: bytes | None) -> None:
    # Taken with the camera on its side: the sensor, and the preview of it, lie turned.
    lying = scene(320, 480).transpose(Image.Transpose.ROTATE_90)
    preview = preview and encoded(scene(160, 240).transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95)
    path = write(tmp_path, "a.dng", dng(lying, preview, orientation=6))

    decoded = decode_image(path, [SPEC])

    assert (decoded.width, decoded.height) == (320, 480)
    assert is_the_scene(decoded.arrays[0])
    assert (read_metadata(path).width, read_metadata(path).height) == (320, 480)


def test_a_preview_that_was_turned_already_is_not_turned_again(tmp_path: Path) -> None:
    lying = scene(320, 480).transpose(Image.Transpose.ROTATE_90)
    path = write(tmp_path, "a.dng", dng(lying, encoded(scene(160, 240), "JPEG", quality=95), orientation=6))

    decoded = decode_image(path, [SPEC])

    assert decoded.decode_path is DecodePath.RAW_PREVIEW
    assert is_the_scene(decoded.arrays[0])


@pytest.mark.parametrize(
    "preview",
    [
        None,
        encoded(scene(48, 32), "JPEG"),
        encoded(Image.new("RGB", (240, 160), "white"), "JPEG"),
        encoded(scene(160, 160), "JPEG"),
        PREVIEW[: len(PREVIEW) // 2],
    ],
    ids=["none", "too small", "flat", "of another shape", "cut off"],
)
def test_without_a_plausible_preview_the_sensor_data_is_decoded(tmp_path: Path, preview: bytes | None) -> None:
    decoded = decode_image(write(tmp_path, "a.dng", dng(scene(480, 320), preview)), [SPEC])

    assert decoded.decode_path is DecodePath.RAW_HALF
    assert (decoded.width, decoded.height) == (480, 320)
    assert is_the_scene(decoded.arrays[0])


def test_a_raw_that_is_small_at_half_size_is_decoded_whole(tmp_path: Path) -> None:
    decoded = decode_image(write(tmp_path, "a.dng", dng(scene(96, 80))), [SPEC])

    assert decoded.decode_path is DecodePath.RAW_FULL
    assert is_the_scene(decoded.arrays[0])


@pytest.mark.parametrize("preview", [PREVIEW, None])
def test_a_raw_that_was_cut_off_is_rejected_even_if_its_preview_is_good(tmp_path: Path, preview: bytes | None) -> None:
    content = bytearray(dng(scene(480, 320), preview))
    # The sensor data is announced to be ten times as long as what there is.
    length = (480 * 320 * 2).to_bytes(4, "little")
    content[content.rindex(length) : content.rindex(length) + 4] = (480 * 320 * 20).to_bytes(4, "little")

    assert rejection(write(tmp_path, "a.dng", bytes(content))).reason is Reason.TRUNCATED
    assert rejection(write(tmp_path, "b.dng", bytes(content[:3000]))).reason is Reason.TRUNCATED


@pytest.mark.parametrize(("level", "reason"), [(0, Reason.TRUNCATED), (700, Reason.CORRUPT)])
def test_a_raw_of_nothing_but_black_is_rejected(tmp_path: Path, level: int, reason: Reason) -> None:
    path = write(tmp_path, "a.dng", dng(scene(480, 320), sensor=np.full((320, 480), level)))

    assert rejection(path).reason is reason


def test_a_jpeg_that_calls_itself_a_raw_is_a_jpeg(tmp_path: Path) -> None:
    decoded = decode_image(write(tmp_path, "a.nef", PREVIEW), [SPEC])

    assert decoded.decode_path is DecodePath.FULL
    assert is_the_scene(decoded.arrays[0])


def test_a_text_that_calls_itself_a_raw(tmp_path: Path) -> None:
    assert rejection(write(tmp_path, "a.nef", b"not found " * 100)).reason is Reason.UNKNOWN_FORMAT


def test_more_pixels_than_allowed_are_rejected_from_the_header(tmp_path: Path) -> None:
    path = write(tmp_path, "a.dng", dng(scene(480, 320), PREVIEW))

    with pytest.raises(ImageError) as caught:
        decode_image(path, [SPEC], DecodeLimits(pixels=100_000))
    assert caught.value.reason is Reason.TOO_MANY_PIXELS


def test_names_of_any_bytes(tmp_path: Path) -> None:
    path = bytes(tmp_path) + b"/\xff\xfe.dng"
    with open(path, "wb") as file:
        file.write(dng(scene(480, 320)))

    assert decode_image(path, [SPEC]).decode_path is DecodePath.RAW_HALF
