"""JPEG files of 12 bits, and lossless ones."""

import struct
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import Reason
from image_pipeline_tests.support.decoding import rejection_of
from image_pipeline_tests.support.scenes import difference, exif, scene, write

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)


def deep(mode: str = "RGB", bits: int = 12, **options: object) -> bytes:
    samples = np.asarray(scene(mode=mode), np.uint16) << bits - 8
    return bytes(imagecodecs.jpeg8_encode(samples, 95, bitspersample=bits, **options))


rejection = partial(rejection_of, SPEC)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(("bits", "lossless"), [(12, False), (12, True), (16, True)])
def test_it_is_the_picture_that_went_in(tmp_path: Path, mode: str, bits: int, lossless: bool) -> None:
    path = write(tmp_path, "a.jpg", deep(mode, bits, **({"lossless": True} if lossless else {})))

    found = decode_image(path, [SPEC])

    assert (found.width, found.height) == (96, 64)
    assert difference(found.arrays[0], np.asarray(scene(mode=mode).convert("RGB")).transpose(2, 0, 1)) < 4


def test_its_metadata_is_read_and_its_orientation_obeyed(tmp_path: Path) -> None:
    block = b"Exif\0\0" + exif(6, t271="Testmaker").removeprefix(b"Exif\0\0")
    content = deep()
    path = write(tmp_path, "a.jpg", content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:])

    metadata = read_metadata(path)
    decoded = decode_image(path, [SPEC])

    assert (metadata.camera_make, metadata.width, metadata.height) == ("Testmaker", 64, 96)
    assert (decoded.width, decoded.height) == (64, 96)


def test_one_that_is_cut_off_is_rejected(tmp_path: Path) -> None:
    content = deep()

    for missing in (3, 10, len(content) // 2):
        for ending in (b"", b"\xff\xd9"):
            found = rejection(write(tmp_path, "a.jpg", content[:-missing] + ending))
            assert found.reason in (Reason.TRUNCATED, Reason.CORRUPT)


def test_one_that_is_too_large_is_not_decoded(tmp_path: Path) -> None:
    assert rejection(write(tmp_path, "a.jpg", deep()), DecodeLimits(pixels=6000)).reason is Reason.TOO_MANY_PIXELS


def test_what_is_not_decoded_is_named(tmp_path: Path) -> None:
    content = deep(bits=12)
    at = content.index(b"\xff\xc1") if b"\xff\xc1" in content else content.index(b"\xff\xc0")
    lossless = content[:at] + b"\xff\xf7" + content[at + 2 :]
    seven = content[: at + 4] + b"\x07" + content[at + 5 :]

    found = rejection(write(tmp_path, "a.jpg", seven))
    assert (found.reason, found.message) == (
        Reason.UNSUPPORTED,
        "a JPEG with 3 components of 7 bits is not supported",
    )
    assert rejection(write(tmp_path, "b.jls", lossless)).reason in (Reason.UNSUPPORTED, Reason.CORRUPT)
    real = bytes(imagecodecs.jpegls_encode(np.asarray(scene())))
    assert rejection(write(tmp_path, "c.jls", real)).message == "the format JPEG-LS is not supported"
