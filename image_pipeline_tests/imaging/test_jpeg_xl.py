"""JPEG XL: its pixels, its header, and what is wrong with damaged files."""

import io
from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from image_pipeline.imaging.decode import decode_image
from image_pipeline.imaging.jpeg_xl import read_header
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.schema.input_spec import InputSpec, Interpolation, ResizeMode
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.outcome import ImageError, Reason
from image_pipeline_tests.support.decoding import rejection_of
from image_pipeline_tests.support.scenes import difference, exif, scene, write
from image_pipeline_tests.support.tagged import jpeg_xl

SPEC = InputSpec(64, 96, ResizeMode.SQUASH, Interpolation.BICUBIC)


def jxl(samples: np.ndarray | None = None, **options: object) -> bytes:
    return bytes(imagecodecs.jpegxl_encode(np.asarray(scene()) if samples is None else samples, **options))


rejection = partial(rejection_of, SPEC)


@pytest.mark.parametrize(
    "content",
    [
        jxl(distance=1.0),
        jxl(lossless=True),
        jxl(usecontainer=True),
        jxl(np.asarray(scene(mode="RGBA")), lossless=True),
        jxl(np.stack([np.asarray(scene()), np.zeros((64, 96, 3), np.uint8)]), photometric="rgb"),
    ],
    ids=["lossy", "lossless", "in boxes", "with alpha", "the first of two frames"],
)
def test_it_is_the_picture_that_went_in(tmp_path: Path, content: bytes) -> None:
    found = decode_image(write(tmp_path, "a.jxl", content), [SPEC])

    assert (found.width, found.height) == (96, 64)
    assert difference(found.arrays[0], np.asarray(scene()).transpose(2, 0, 1)) < 4


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (40, 60), (256, 256), (333, 77), (480, 640, 3), (1200, 1600, 3)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_the_size_is_read_from_the_header(shape: tuple[int, ...], kind: type) -> None:
    header = read_header(io.BytesIO(jxl(np.zeros(shape, kind), lossless=True)))

    assert (header.height, header.width) == shape[:2]


def test_metadata_in_its_boxes_is_read(tmp_path: Path) -> None:
    block = exif(t271="Testmaker").removeprefix(b"Exif\0\0")
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
    )
    plain = jpeg_xl((b"Exif", bytes(4) + block), (b"xml ", xmp))
    boxes = [
        (kind, imagecodecs.brotli_encode(content)) for kind, content in ((b"Exif", bytes(4) + block), (b"xml ", xmp))
    ]
    packed = jpeg_xl(*((b"brob", kind + content) for kind, content in boxes))

    for content in (plain, packed):
        found = read_metadata(write(tmp_path, "a.jxl", content))
        assert (found.camera_make, found.rating, found.width, found.height) == ("Testmaker", 4, 96, 64)


def test_compressed_metadata_that_are_damaged_or_endless_are_left_out(tmp_path: Path) -> None:
    bomb = bytes(imagecodecs.brotli_encode(bytes(1 << 28)))
    boxes = [b"Exif" + bomb, b"xml " + b"rubbish", b"Exif" + bomb, b"brob" + bomb, b"Ex", b""]

    found = read_metadata(write(tmp_path, "a.jxl", jpeg_xl(*((b"brob", content) for content in boxes * 100))))

    assert (found.camera_make, found.width, found.height) == (None, 96, 64)


@pytest.mark.parametrize("options", [{}, {"usecontainer": True}])
def test_a_file_that_is_cut_off_is_rejected(tmp_path: Path, options: dict[str, object]) -> None:
    content = jxl(**options)

    for kept in (14, 40, len(content) // 2, len(content) - 5):
        assert rejection(write(tmp_path, "a.jxl", content[:kept])).reason is Reason.TRUNCATED
    assert rejection(write(tmp_path, "a.jxl", content[:3])).reason in (Reason.TRUNCATED, Reason.UNKNOWN_FORMAT)


def test_a_bomb_is_rejected_by_its_header(tmp_path: Path) -> None:
    """30 bits for each side: a few bytes that announce 10¹⁸ pixels."""
    bits = 0b0_11 | ((1 << 30) - 1) << 3
    bits = 0 | 0b11 << 1 | ((1 << 30) - 1) << 3 | 1 << 33
    bomb = b"\xff\x0a" + bits.to_bytes(8, "little") + bytes(200)

    assert rejection(write(tmp_path, "a.jxl", bomb)).reason is Reason.TOO_MANY_PIXELS
    small = write(tmp_path, "b.jxl", jxl())
    assert rejection(small, DecodeLimits(pixels=6000)).reason is Reason.TOO_MANY_PIXELS
    assert read_metadata(small).width == 96


def test_damage_in_the_middle(tmp_path: Path) -> None:
    content = bytearray(jxl(lossless=True))
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    try:
        decode_image(write(tmp_path, "a.jxl", bytes(content)), [SPEC])
    except ImageError as error:
        assert error.reason in (Reason.CORRUPT, Reason.TRUNCATED)
