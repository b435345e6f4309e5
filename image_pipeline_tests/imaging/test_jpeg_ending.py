"""A JPEG without the marker of its end: whole if all of its picture data is there, in any order of scans."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image_pipeline.imaging.decode import decode_image
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.outcome import DecodePath, ImageError, Reason
from image_pipeline_tests.support.scenes import encoded, photograph, write

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)
KINDS: dict[str, dict[str, object]] = {
    "baseline": {},
    "optimised": {"optimize": True},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
}
EXIF_TRAILER = b"\xff\xe1\x00\x10" + b"a trailer 123\0"


def jpeg(kind: str, mode: str = "RGB", size: tuple[int, int] = (200, 150)) -> bytes:
    return encoded(photograph(*size).convert(mode), "JPEG", quality=90, **KINDS[kind])


def pixels(path: Path) -> np.ndarray:
    return decode_image(path, [SPEC]).arrays[0]


def is_part(path: Path) -> bool:
    """Whether only a part of the picture is there: it is rejected as truncated, or marked as damaged."""
    try:
        return decode_image(path, [SPEC]).damaged is not None
    except ImageError as error:
        assert error.reason is Reason.TRUNCATED
        return True


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_that_lacks_only_its_end_marker_is_whole(tmp_path: Path, kind: str, mode: str) -> None:
    content = jpeg(kind, mode)
    whole = pixels(write(tmp_path, "a.jpg", content))

    for ending in (b"", b"\xff", bytes(5000)):
        np.testing.assert_array_equal(pixels(write(tmp_path, "b.jpg", content[:-2] + ending)), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_one_byte_less_is_not(tmp_path: Path, kind: str) -> None:
    content = jpeg(kind)[:-2]

    for missing in (1, 2, 3, 10, 17, 100):
        for ending in (b"", bytes(5000)):
            assert is_part(write(tmp_path, "a.jpg", content[:-missing] + ending))


def test_a_grey_corner_does_not_make_it_a_damaged_one(tmp_path: Path) -> None:
    picture = photograph(200, 150)
    picture.paste((128, 128, 128), (0, 100, 200, 150))
    content = encoded(picture, "JPEG", quality=95)

    np.testing.assert_array_equal(
        pixels(write(tmp_path, "a.jpg", content[:-2])), pixels(write(tmp_path, "b.jpg", content))
    )
    assert is_part(write(tmp_path, "c.jpg", content[:-20]))


def test_a_progressive_one_without_its_last_scan_is_not_whole(tmp_path: Path) -> None:
    content = jpeg("progressive")
    last = content.rindex(b"\xff\xda")

    assert is_part(write(tmp_path, "a.jpg", content[:last]))


def test_one_that_ends_at_a_restart_is_not_whole(tmp_path: Path) -> None:
    """There, the data that is left out does not depend on what follows."""
    content = jpeg("restarts")
    restart = max(at for at in range(len(content) - 1) if content[at] == 0xFF and 0xD0 <= content[at + 1] <= 0xD7)

    assert is_part(write(tmp_path, "a.jpg", content[:restart]))
    assert is_part(write(tmp_path, "b.jpg", content[: restart + 2]))


def test_it_is_scaled_like_any_other(tmp_path: Path) -> None:
    content = encoded(photograph(1600, 1200), "JPEG")

    decoded = decode_image(write(tmp_path, "a.jpg", content[:-2]), [SPEC])

    assert (decoded.width, decoded.height, decoded.decode_path) == (1600, 1200, DecodePath.SCALED)
    np.testing.assert_array_equal(decoded.arrays[0], pixels(write(tmp_path, "b.jpg", content)))


def test_a_trailer_instead_of_the_marker(tmp_path: Path) -> None:
    content = jpeg("baseline")
    thumbnail = encoded(Image.new("RGB", (16, 16)), "JPEG")

    for trailer in (EXIF_TRAILER, thumbnail, EXIF_TRAILER + bytes(3000)):
        np.testing.assert_array_equal(
            pixels(write(tmp_path, "a.jpg", content[:-2] + trailer)), pixels(write(tmp_path, "b.jpg", content))
        )
