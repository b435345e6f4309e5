"""JPEG 2000: its pixels, profile and metadata, and whether a file is complete."""

import struct
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import Reason
from image_pipeline_tests.support.decoding import pixels_of, rejection_of
from image_pipeline_tests.support.scenes import difference, encoded, exif, photograph, scene, wide_gamut_profile, write

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)
OPTIONS: dict[str, dict[str, object]] = {
    "boxes": {},
    "a bare codestream": {"no_jp2": True},
    "tiles": {"tile_size": (32, 32)},
    "layers": {"quality_mode": "dB", "quality_layers": [30, 45], "irreversible": True},
}


pixels = partial(pixels_of, SPEC)


rejection = partial(rejection_of, SPEC)


@pytest.mark.parametrize("kind", OPTIONS)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_it_is_the_picture_that_went_in(tmp_path: Path, kind: str, mode: str) -> None:
    path = write(tmp_path, "a.jp2", encoded(scene(mode=mode), "JPEG2000", **OPTIONS[kind]))

    assert difference(pixels(path), np.asarray(scene(mode=mode).convert("RGB"))) < 2


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_file_that_is_cut_off_is_rejected(tmp_path: Path, kind: str) -> None:
    """OpenJPEG shows a coarser picture of it, without an error."""
    content = encoded(photograph(96, 64), "JPEG2000", **OPTIONS[kind])

    for kept in (30, len(content) // 3, 2 * len(content) // 3, len(content) - 3):
        assert rejection(write(tmp_path, "a.jp2", content[:kept])).reason is Reason.TRUNCATED
        zeros = content[:kept].ljust(len(content), b"\0")
        assert rejection(write(tmp_path, "b.jp2", zeros)).reason in (Reason.TRUNCATED, Reason.CORRUPT)


def test_its_profile_and_metadata_are_read(tmp_path: Path) -> None:
    content = encoded(scene(), "JPEG2000")
    profile = wide_gamut_profile()
    at = content.index(b"colr") - 4
    (length,) = struct.unpack(">L", content[at : at + 4])
    colours = struct.pack(">L4sBBB", 11 + len(profile), b"colr", 2, 0, 0) + profile
    header = content.index(b"jp2h") - 4
    (header_length,) = struct.unpack(">L", content[header : header + 4])
    block = b"JpgTiffExif->JP2" + exif(t271="Testmaker").removeprefix(b"Exif\0\0")
    changed = content[:header] + struct.pack(">L", header_length - length + len(colours)) + content[header + 4 : at]
    changed += colours + content[at + length :] + struct.pack(">L4s", 8 + len(block), b"uuid") + block
    reference = write(tmp_path, "a.png", encoded(scene(), "PNG", icc_profile=profile))

    path = write(tmp_path, "a.jp2", changed)

    assert difference(pixels(path), pixels(reference)) < 1
    assert (read_metadata(path).camera_make, read_metadata(path).width) == ("Testmaker", 96)


def test_bombs_are_rejected_by_their_headers(tmp_path: Path) -> None:
    content = bytearray(encoded(scene(), "JPEG2000"))
    at = content.index(b"ihdr") + 4
    content[at : at + 8] = struct.pack(">LL", 1 << 20, 1 << 20)
    assert rejection(write(tmp_path, "a.jp2", bytes(content))).reason is Reason.TOO_MANY_PIXELS

    stream = bytearray(encoded(scene(), "JPEG2000"))
    at = stream.index(b"\xff\x4f\xff\x51") + 8
    stream[at : at + 8] = struct.pack(">LL", 1 << 20, 1 << 20)
    assert rejection(write(tmp_path, "b.jp2", bytes(stream))).reason in (Reason.CORRUPT, Reason.TOO_MANY_PIXELS)
    assert rejection(write(tmp_path, "c.jp2", encoded(scene(), "JPEG2000")), DecodeLimits(pixels=6000)).reason is (
        Reason.TOO_MANY_PIXELS
    )


def test_markers_without_end_are_left(tmp_path: Path) -> None:
    content = encoded(scene(), "JPEG2000", no_jp2=True)
    endless = content[:4] + b"\xff\x64\x00\x02" * 500_000

    assert rejection(write(tmp_path, "a.j2k", endless)).reason in (Reason.CORRUPT, Reason.TRUNCATED)
