"""The XMP packet of a GIF is found without reading more of the file than needed, whatever the file claims."""

import io
import time
from random import Random

import pytest

from image_pipeline.imaging.gif import gif_xmp
from image_pipeline_tests.support.scenes import encoded, scene
from image_pipeline_tests.support.tagged import gif_with_xmp, packet

HEADER = b"GIF89a\x01\x00\x01\x00\x00\x00\x00"
XMP = packet(photoshop_City="Roma")
EXTENSION = b"\x21\xff\x0bXMP DataXMP"
TRAILER = b"\x01" + bytes(range(255, -1, -1)) + b"\0"


def found(content: bytes) -> bytes | None:
    return gif_xmp(io.BytesIO(content))


def test_before_and_after_the_pictures() -> None:
    content = gif_with_xmp(XMP)
    assert found(content) == XMP
    plain = encoded(scene().quantize(16), "GIF", save_all=True, append_images=[scene().quantize(16)] * 3)
    assert found(plain) is None
    assert plain[-1:] == b";"
    assert found(plain[:-1] + EXTENSION + XMP + TRAILER + b";") == XMP
    assert found(plain[:-1] + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" + EXTENSION + XMP + TRAILER + b";") == XMP


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEADER,
        HEADER + EXTENSION,
        HEADER + EXTENSION + XMP,
        HEADER + b"\x21\xfe\x01a\0" * 1_000_000 + EXTENSION + XMP + TRAILER,
        HEADER + b"\x21\xfe" + b"\x01a" * 5_000_000,
        HEADER + b"\x2c" + bytes(8) + b"\xff" + bytes(10),
        HEADER + b"\x2c" * 1_000_000,
    ],
    ids=["empty", "header", "no packet", "no trailer", "many blocks", "no end", "cut table", "no picture"],
)
def test_a_damaged_gif_has_none_and_costs_little(content: bytes) -> None:
    began = time.process_time()
    assert found(content) is None
    assert time.process_time() - began < 5


def test_no_bytes_raise() -> None:
    random, content = Random(1), gif_with_xmp(XMP)
    for _ in range(500):
        damaged = bytearray(content)
        for _ in range(random.randrange(1, 8)):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        found(bytes(damaged[: random.randrange(len(damaged) + 1)]))
