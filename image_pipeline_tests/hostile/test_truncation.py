"""A file that was cut off, or never written to its end, is no picture, unless all of its pixels are there."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from image_pipeline.imaging.decode import decode_image
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.outcome import ImageError, Reason
from image_pipeline_tests.hostile.structure import parts
from image_pipeline_tests.support.scenes import encoded, photograph, write
from image_pipeline_tests.support.specimens import SIZE, png_chunk, specimens

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SPEC = InputSpec(SIZE[1], SIZE[0], ResizeMode.SQUASH, Interpolation.BICUBIC)
_UNCOMPRESSED = {"plain.tif", "described.tif", "pages.tif", "deep.tif", "float.tif", "strips.tif", "tiled.tif"}
_UNCOMPRESSED |= {"planar.tif", "big.tif", "motorola.tif", "plain.bmp", "palette.bmp"}
_UNCOMPRESSED |= {"plain.psd", "plain.ppm", "grey.pgm", "plain.tga", "half.tif", "palette.psd", "lab.tif"}
"""Where zeros are black pixels, and nothing tells those that were written from those that were not."""


def pixels(path: Path) -> np.ndarray | None:
    """The decoded picture; None where it is rejected, or marked as damaged."""
    try:
        decoded = decode_image(path, [SPEC], thumbnail=False)
    except ImageError:
        return None
    return None if decoded.damaged else decoded.arrays[0]


def rejection(path: Path) -> Reason:
    with pytest.raises(ImageError) as caught:
        decode_image(path, [SPEC])
    return caught.value.reason


def check_cuts(path: Path, content: bytes, positions: list[int]) -> None:
    path.write_bytes(content)
    whole = pixels(path)
    for position in positions:
        path.write_bytes(content[:position])
        found = pixels(path)
        assert found is None or np.array_equal(found, whole), f"half a picture of {position} of {len(content)} bytes"


def positions(content: bytes, count: int, seed: int) -> list[int]:
    """Cuts all over the file, and at each of the last bytes, where directories and ends of pictures are."""
    random = Random(seed)
    return sorted({*(random.randrange(len(content)) for _ in range(count)), *range(len(content) - 24, len(content))})


@pytest.mark.parametrize("name", specimens())
def test_a_cut_never_leaves_half_a_picture(tmp_path: Path, name: str) -> None:
    content = specimens()[name]

    check_cuts(tmp_path / name, content, positions(content, 60, seed=1))


@pytest.mark.long
@pytest.mark.parametrize("name", specimens())
def test_no_cut_anywhere_leaves_half_a_picture(tmp_path: Path, name: str) -> None:
    content = specimens()[name]

    check_cuts(tmp_path / name, content, positions(content, 1500, seed=2))


@pytest.mark.parametrize("name", [name for name in specimens() if name not in _UNCOMPRESSED])
@pytest.mark.parametrize("written", [0.2, 0.5, 0.8])
def test_an_end_of_zeros_is_no_picture(tmp_path: Path, name: str, written: float) -> None:
    """As a copy leaves it that reserved its room, and was interrupted."""
    content = specimens()[name]
    path = write(tmp_path, name, content)
    whole = pixels(path)
    path.write_bytes(content[: int(written * len(content))].ljust(len(content), b"\0"))

    found = pixels(path)

    assert found is None or np.array_equal(found, whole)


def half_png() -> bytes:
    """A PNG whose rows end in the middle, all chunks being in order."""
    picture = photograph(*SIZE)
    rows = b"".join(b"\0" + row.tobytes() for row in np.asarray(picture)[: SIZE[1] // 2])
    header = struct.pack(">LLBBBBB", *SIZE, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def half_interlaced_png() -> bytes:
    """One whose last passes are missing: every other row is."""
    content = specimens()["interlaced.png"]
    (start, end) = next((part.start, part.end) for part in parts(content) if content[part.start + 4 :][:4] == b"IDAT")
    rows = zlib.decompress(content[start + 8 : end - 4])
    return content[:start] + png_chunk(b"IDAT", zlib.compress(rows[: len(rows) // 3])) + content[end:]


def half_jpeg(mode: str, **options: object) -> bytes:
    """A JPEG that ends in the middle of its data, but has the marker of the end."""
    content = encoded(photograph(*SIZE).convert(mode), "JPEG", quality=90, **options)
    return content[: 2 * len(content) // 3] + b"\xff\xd9"


def tall_tiff(name: str) -> bytes:
    """A TIFF of which half the strips or tiles are missing: it says that it is twice as high."""
    content = bytearray(specimens()[name])
    for part in parts(bytes(content)):
        if int.from_bytes(content[part.start : part.start + 2], part.length.order) == 257:
            size = 2 if int.from_bytes(content[part.start + 2 : part.start + 4], part.length.order) == 3 else 4
            content[part.start + 8 : part.start + 8 + size] = (2 * SIZE[1]).to_bytes(size, part.length.order)
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "make", "damaged"),
    [
        ("a.png", half_png, "40 of 80 rows are missing"),
        ("grey.jpg", lambda: half_jpeg("L"), "40 of 80 rows are missing"),
        ("cmyk.jpg", lambda: half_jpeg("CMYK"), "32 of 80 rows are missing"),
    ],
)
def test_a_file_in_order_of_which_at_least_half_is_there(
    tmp_path: Path, name: str, make: Callable[[], bytes], damaged: str
) -> None:
    assert decode_image(write(tmp_path, name, make()), [SPEC]).damaged == damaged


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("interlaced.png", half_interlaced_png),
        ("a.jpg", lambda: half_jpeg("RGB")),
        ("restarts.jpg", lambda: half_jpeg("RGB", restart_marker_rows=1)),
        ("plain.tif", lambda: tall_tiff("plain.tif")),
        ("strips.tif", lambda: tall_tiff("strips.tif")),
        ("tiled.tif", lambda: tall_tiff("tiled.tif")),
        ("planar.tif", lambda: tall_tiff("planar.tif")),
    ],
)
def test_a_file_in_order_that_holds_half_a_picture(tmp_path: Path, name: str, make: Callable[[], bytes]) -> None:
    assert rejection(write(tmp_path, name, make())) is Reason.TRUNCATED


def test_a_wrong_checksum_in_the_pixels_of_a_png(tmp_path: Path) -> None:
    content = bytearray(specimens()["plain.png"])
    content[len(content) // 2] ^= 1

    assert rejection(write(tmp_path, "a.png", bytes(content))) is Reason.CORRUPT


def test_pictures_that_look_unfinished_and_are_not(tmp_path: Path) -> None:
    """Grey in the last corner of a JPEG, and black in the last rows of a PNG, are what a missing end looks like."""
    picture = photograph(*SIZE)
    picture.paste((128, 128, 128), (0, 40, *SIZE))
    black = photograph(*SIZE)
    black.paste((0, 0, 0), (0, 40, *SIZE))
    grey_jpegs = [
        encoded(picture.convert(mode), "JPEG", quality=95, **options)
        for mode in ("RGB", "L")
        for options in ({}, {"progressive": True}, {"restart_marker_rows": 1}, {"optimize": True})
    ]
    pngs = [encoded(black.convert(mode), "PNG") for mode in ("RGB", "L", "1", "I;16")]
    clear = encoded(Image.new("RGBA", SIZE), "PNG")
    webps = [encoded(Image.new("RGB", (side, side)), "WEBP") for side in (64, 1000, 3000)]
    flat = [encoded(Image.new("RGB", (500, 500)), image_format) for image_format in ("HEIF", "AVIF", "GIF", "TIFF")]

    for number, content in enumerate([*grey_jpegs, *pngs, clear, *webps, *flat]):
        assert pixels(write(tmp_path, str(number), content)) is not None


def test_zeros_behind_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    """Some cameras fill their files up to the end of a block."""
    content = specimens()["described.jpg"]
    path = write(tmp_path, "a.jpg", content)
    whole = pixels(path)
    path.write_bytes(content + bytes(5000))

    assert np.array_equal(pixels(path), whole)


@pytest.mark.parametrize("name", ["bare.dng", "preview.dng"])
def test_a_raw_whose_sensor_data_were_never_written(tmp_path: Path, name: str) -> None:
    """The directories are there, and the preview; of the picture itself, the last third is zeros."""
    content = bytearray(specimens()[name])
    content[8 + 200_000 : 8 + 480 * 320 * 2] = bytes(480 * 320 * 2 - 200_000)

    assert rejection(write(tmp_path, name, bytes(content))) is Reason.TRUNCATED


def test_a_jpeg_in_memory_ends_as_one_on_disk(tmp_path: Path) -> None:
    """The preview of a RAW may be half grey too; then the sensor data stand for the picture."""
    content = specimens()["preview.dng"]
    at = content.index(b"\xff\xd8\xff")
    end = content.index(b"\xff\xd9", at) + 2
    cut = at + 2 * (end - at) // 3
    damaged = content[:cut] + b"\xff\xd9" + content[cut + 2 :]
    with Image.open(io.BytesIO(damaged[at:end])) as image:
        assert image.getpixel((479, 319)) == (128, 128, 128)

    assert decode_image(write(tmp_path, "a.dng", damaged), [SPEC]).decode_path == "raw_half"
