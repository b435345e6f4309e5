"""TIFF files: which picture is the photograph, and the kinds of samples that Pillow does not read."""

import io
import struct
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.outcome import Reason
from image_pipeline_tests.support.decoding import pixels_of, rejection_of
from image_pipeline_tests.support.scenes import difference, scene, write

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)
REDUCED = 1


pixels = partial(pixels_of, SPEC)


rejection = partial(rejection_of, SPEC)


def tiff(samples: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, samples, **{"photometric": "rgb", **options})
    return buffer.getvalue()


def thumbnail_first(below: bool = False, **options: object) -> bytes:
    """A file whose first directory has a small version of the picture in the second, or in one below the first."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as writer:
        small = np.asarray(scene(24, 16))
        writer.write(small, photometric="rgb", subfiletype=REDUCED, subifds=1 if below else None, metadata=None)
        writer.write(np.asarray(scene()), photometric="rgb", compression="zlib", metadata=None)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("below", "options"),
    [(False, {}), (True, {}), (False, {"byteorder": ">"}), (True, {"byteorder": ">"}), (False, {"bigtiff": True})],
)
def test_the_photograph_is_not_its_thumbnail(tmp_path: Path, below: bool, options: dict[str, object]) -> None:
    path = write(tmp_path, "a.tif", thumbnail_first(below, **options))

    decoded = decode_image(path, [SPEC])

    assert (decoded.width, decoded.height) == (96, 64)
    assert difference(pixels(path), np.asarray(scene())) < 0.5
    assert (read_metadata(path).width, read_metadata(path).height) == (96, 64)


def test_without_a_larger_one_the_first_picture_counts(tmp_path: Path) -> None:
    alone = write(tmp_path, "a.tif", tiff(np.asarray(scene()), subfiletype=REDUCED))
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(np.asarray(scene()), photometric="rgb", metadata=None)
        writer.write(np.asarray(scene(24, 16)), photometric="rgb", subfiletype=REDUCED, metadata=None)
        writer.write(np.asarray(scene(192, 128)), photometric="rgb", metadata=None)
    pages = write(tmp_path, "b.tif", buffer.getvalue())

    assert decode_image(alone, [SPEC]).width == decode_image(pages, [SPEC]).width == 96


PICTURE = np.asarray(scene())
SAMPLES: dict[str, bytes] = {
    "float": tiff((PICTURE / 255).astype(np.float32)),
    "float up to 65535": tiff((PICTURE * 257.0).astype(np.float32)),
    "half": tiff((PICTURE / 255).astype(np.float16)),
    "double": tiff(PICTURE / 255),
    "32-bit integers": tiff(PICTURE.astype(np.uint32) * 0x01010101),
    "float, compressed with a predictor": tiff((PICTURE / 255).astype(np.float32), compression="zlib", predictor=True),
    "float, planar": tiff((PICTURE / 255).astype(np.float32).transpose(2, 0, 1), planarconfig="separate"),
    "float, in tiles": tiff((PICTURE / 255).astype(np.float32), tile=(16, 32)),
    "JPEG XL": tiff(PICTURE, compression="jpegxl"),
    "JPEG 2000": tiff(PICTURE, compression="jpeg2000"),
    "WebP": tiff(PICTURE, compression="webp"),
    "Zstandard": tiff(PICTURE, compression="zstd"),
    "LZMA": tiff(PICTURE, compression="lzma"),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_samples_and_compressions_that_pillow_does_not_read(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, "a.tif", SAMPLES[kind])

    assert difference(pixels(path), PICTURE) < 3
    assert (read_metadata(path).width, read_metadata(path).height) == (96, 64)


def test_the_orientation_of_such_a_file(tmp_path: Path) -> None:
    turned = np.rot90(PICTURE / 255, 1).astype(np.float32)
    path = write(tmp_path, "a.tif", tiff(turned, extratags=[(274, "H", 1, 6, True)]))

    decoded = decode_image(path, [SPEC])

    assert (decoded.width, decoded.height) == (96, 64)
    assert difference(pixels(path), PICTURE) < 1
    assert (read_metadata(path).width, read_metadata(path).height) == (96, 64)


@pytest.mark.parametrize(("photometric", "offset"), [("cielab", 0), ("icclab", 0x8000)])
def test_lab_of_16_bits(tmp_path: Path, photometric: str, offset: int) -> None:
    lab = np.zeros((64, 96, 3), np.int32)
    lab[:] = (128 << 8, 40 << 8, -30 << 8)
    lab[..., 1:] += offset
    content = tiff((lab & 0xFFFF).astype(np.uint16), photometric=photometric)

    red, green, blue = pixels(write(tmp_path, "a.tif", content))[30, 30].astype(int)

    # CIE Lab 50.2, 40, -30 (D50) is a violet
    assert (abs(red - 160) < 12, abs(green - 94) < 12, abs(blue - 170) < 12) == (True, True, True), (red, green, blue)


def test_a_kind_that_is_not_read_is_named(tmp_path: Path) -> None:
    content = tiff(np.zeros((64, 96, 3), np.complex64))
    found = rejection(write(tmp_path, "a.tif", content))
    assert found.reason is Reason.UNSUPPORTED

    unknown = bytearray(tiff(PICTURE, compression="jpegxl"))
    at = unknown.index(struct.pack("<HHLH", 259, 3, 1, 50002))
    unknown[at + 8 : at + 10] = struct.pack("<H", 34933)
    found = rejection(write(tmp_path, "b.tif", bytes(unknown)))
    assert found.reason in (Reason.UNSUPPORTED, Reason.CORRUPT)


PARTS = {("float, planar", 0.97), ("float, in tiles", 0.6), ("float, in tiles", 0.97)}
"""The files of which at least half of the strips or tiles are left."""


@pytest.mark.parametrize("kind", SAMPLES)
def test_one_that_is_cut_off_is_rejected_or_marked(tmp_path: Path, kind: str) -> None:
    content = SAMPLES[kind]

    for kept in (0.3, 0.6, 0.97):
        path = write(tmp_path, "a.tif", content[: int(kept * len(content))])
        if (kind, kept) in PARTS:
            assert decode_image(path, [SPEC]).damaged is not None
        else:
            assert rejection(path).reason is Reason.TRUNCATED


def test_bombs(tmp_path: Path) -> None:
    for kind in ("float", "JPEG XL"):
        content = bytearray(SAMPLES[kind])
        for tag in (256, 257):
            at = content.index(struct.pack("<HH", tag, 3 if struct.pack("<HHL", tag, 3, 1) in content else 4))
            content[at : at + 12] = struct.pack("<HHLL", tag, 4, 1, 1_000_000)
        found = rejection(write(tmp_path, "a.tif", bytes(content)))
        assert found.reason is Reason.TOO_MANY_PIXELS

    samples = bytearray(SAMPLES["float"])
    at = samples.index(struct.pack("<HHL", 277, 3, 1))
    samples[at + 8 : at + 10] = struct.pack("<H", 65535)
    assert rejection(write(tmp_path, "b.tif", bytes(samples))).reason in (
        Reason.UNSUPPORTED,
        Reason.CORRUPT,
        Reason.TRUNCATED,
        Reason.OUT_OF_MEMORY,
    )


def test_a_tile_that_is_larger_than_it_says(tmp_path: Path) -> None:
    """The size of the picture limits what is kept of a compressed tile."""
    large = bytes(imagecodecs.jpegxl_encode(np.zeros((4000, 4000, 3), np.uint8)))
    content = bytearray(tiff(PICTURE, compression="jpegxl"))
    where, size = (content.index(struct.pack("<HH", tag, kind)) for tag, kind in ((273, 4), (279, 4)))
    content[where : where + 12] = struct.pack("<HHLL", 273, 4, 1, len(content))
    content[size : size + 12] = struct.pack("<HHLL", 279, 4, 1, len(large))

    found = rejection(write(tmp_path, "a.tif", bytes(content) + large))

    assert found.reason in (Reason.CORRUPT, Reason.UNSUPPORTED)
