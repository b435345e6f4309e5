"""Damaged pictures: at least half of a picture is indexed and marked, with what is missing; less is not."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.pool import DecodeOutcome, DecodeTask, WorkerPool
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.outcome import ImageError, Reason
from image_pipeline_tests.support.scenes import encoded, exif, photograph, write
from image_pipeline_tests.support.specimens import png_chunk

WIDTH, HEIGHT = 512, 384
SPEC = InputSpec(HEIGHT, WIDTH, ResizeMode.SQUASH, Interpolation.BICUBIC)
PICTURE = photograph(WIDTH, HEIGHT)
GREY = 128


def tiff(**options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.asarray(PICTURE), photometric="rgb", **options)
    return buffer.getvalue()


def png() -> bytes:
    """In chunks of 8 KB, as most programs write it."""
    rows = b"".join(b"\0" + row.tobytes() for row in np.asarray(PICTURE))
    data = zlib.compress(rows)
    header = png_chunk(b"IHDR", struct.pack(">LLBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0))
    chunks = b"".join(png_chunk(b"IDAT", data[at : at + 8192]) for at in range(0, len(data), 8192))
    return b"\x89PNG\r\n\x1a\n" + header + chunks + png_chunk(b"IEND", b"")


FILES: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: encoded(PICTURE, "JPEG", quality=90),
    "JPEG with restarts": lambda: encoded(PICTURE, "JPEG", quality=90, restart_marker_rows=1),
    "grey JPEG": lambda: encoded(PICTURE.convert("L"), "JPEG", quality=90),
    "CMYK JPEG": lambda: encoded(PICTURE.convert("CMYK"), "JPEG", quality=90),
    "PNG": png,
    "palette PNG": lambda: encoded(PICTURE.quantize(64), "PNG"),
    "TIFF in strips": lambda: tiff(rowsperstrip=16),
    "TIFF in compressed strips": lambda: tiff(rowsperstrip=16, compression="zlib"),
    "HEIC": lambda: encoded(PICTURE, "HEIF", quality=90, tile_size=128),
}
TILE = {"HEIC": 128}


def pixels(path: Path) -> tuple[np.ndarray, str | None]:
    decoded = decode_image(path, [SPEC])
    return decoded.arrays[0].transpose(1, 2, 0).astype(int), decoded.damaged


@pytest.mark.parametrize("kind", FILES)
def test_what_is_there_is_right_and_the_rest_is_counted(tmp_path: Path, kind: str) -> None:
    content = FILES[kind]()
    whole, none = pixels(write(tmp_path, "a", content))
    assert none is None

    found, damaged = pixels(write(tmp_path, "b", content[: int(0.9 * len(content))]))

    assert damaged is not None
    lost, _, total, unit, *_ = damaged.split()
    assert (unit in ("rows", "strips", "tiles"), 0 < int(lost) < int(total) / 3) == (True, True), damaged
    rows = HEIGHT * (int(total) - int(lost)) // int(total)
    rows = rows // TILE.get(kind, 1) * TILE.get(kind, 1)
    np.testing.assert_array_equal(found[: rows - 2], whole[: rows - 2])
    assert np.abs(found[-1, -40:] - GREY).max() <= 2


@pytest.mark.parametrize("kind", FILES)
def test_less_than_half_is_rejected(tmp_path: Path, kind: str) -> None:
    content = FILES[kind]()

    with pytest.raises(ImageError) as caught:
        pixels(write(tmp_path, "a", content[: int(0.35 * len(content))]))

    assert caught.value.reason is Reason.TRUNCATED


def test_tiles_of_a_tiff_count_wherever_they_are(tmp_path: Path) -> None:
    """Damage to the first of 48 tiles leaves the other 47."""
    content = bytearray(tiff(tile=(64, 64), compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        start, length = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    content[start : start + length] = b"\x99" * length
    whole, _ = pixels(write(tmp_path, "a", tiff(tile=(64, 64), compression="zlib")))

    found, damaged = pixels(write(tmp_path, "b", bytes(content)))

    assert damaged == "1 of 48 tiles are missing"
    np.testing.assert_array_equal(found[70:], whole[70:])
    assert np.abs(found[10:50, 10:50] - GREY).max() <= 2


def test_a_wrong_checksum_ends_a_png(tmp_path: Path) -> None:
    content = bytearray(png())
    content[int(0.8 * len(content))] ^= 1

    _, damaged = pixels(write(tmp_path, "a", bytes(content)))

    assert damaged is not None and damaged.endswith("of 384 rows are missing")


def test_a_png_that_lacks_only_its_end_is_whole(tmp_path: Path) -> None:
    content = png()
    whole, _ = pixels(write(tmp_path, "a", content))

    for missing in (12, 5):
        found, damaged = pixels(write(tmp_path, "b", content[:-missing]))
        assert damaged is None
        np.testing.assert_array_equal(found, whole)


def test_a_copy_that_ends_in_zeros(tmp_path: Path) -> None:
    for kind in ("JPEG", "HEIC", "TIFF in compressed strips"):
        content = FILES[kind]()
        zeros = content[: int(0.8 * len(content))].ljust(len(content), b"\0")
        assert pixels(write(tmp_path, "a", zeros))[1] is not None, kind


@pytest.mark.parametrize("kind", ["progressive JPEG", "interlaced PNG", "WebP", "AVIF", "HEIC without tiles"])
def test_where_it_cannot_be_told_a_damaged_picture_is_rejected(tmp_path: Path, kind: str) -> None:
    from image_pipeline_tests.support.specimens import interlaced_png

    content = {
        "progressive JPEG": lambda: encoded(PICTURE, "JPEG", progressive=True),
        "interlaced PNG": lambda: interlaced_png(PICTURE),
        "WebP": lambda: encoded(PICTURE, "WEBP"),
        "AVIF": lambda: encoded(PICTURE, "AVIF", speed=10),
        "HEIC without tiles": lambda: encoded(PICTURE, "HEIF"),
    }[kind]()

    with pytest.raises(ImageError) as caught:
        pixels(write(tmp_path, "a", content[: int(0.95 * len(content))]))
    assert caught.value.reason is Reason.TRUNCATED


def test_a_damaged_picture_is_turned_upright(tmp_path: Path) -> None:
    jpeg = encoded(PICTURE, "JPEG", quality=90, exif=exif(6))
    turned = tiff(rowsperstrip=16, extratags=[(274, "H", 1, 6, True)])

    for content in (jpeg, turned):
        decoded = decode_image(write(tmp_path, "a", content[: int(0.8 * len(content))]), [SPEC])
        assert (decoded.width, decoded.height) == (HEIGHT, WIDTH)
        assert decoded.damaged is not None
        assert np.abs(decoded.arrays[0][:, 200, 2].astype(int) - GREY).max() <= 3, "the last row is on the left"


def test_the_pool_passes_it_on(tmp_path: Path) -> None:
    content = FILES["TIFF in strips"]()
    path = write(tmp_path, "a", content[: int(0.75 * len(content))])

    with WorkerPool(workers=1) as pool:
        (outcome,) = pool.decode([DecodeTask("it", path, None, tmp_path / "t.webp")])

    assert isinstance(outcome, DecodeOutcome)
    assert outcome.damaged == "7 of 24 strips are missing"
    assert (tmp_path / "t.webp").stat().st_size > 500
