"""Which format a file is of."""

import io
import struct
from pathlib import Path

import pytest

from image_pipeline.imaging.decode import decode_image
from image_pipeline.schema.formats import IMAGE_ENDINGS, RAW_ENDINGS, ImageFormat, sniff
from image_pipeline.schema.outcome import ImageError, Reason
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.raw_skeletons import grey_scan, skeletons
from image_pipeline_tests.support.scenes import ENCODERS, encoded, exif, scene, write
from image_pipeline_tests.support.specimens import specimens

EXPECTED = {
    ".jpg": ImageFormat.JPEG,
    ".progressive.jpg": ImageFormat.JPEG,
    ".png": ImageFormat.PNG,
    ".webp": ImageFormat.WEBP,
    ".gif": ImageFormat.GIF,
    ".bmp": ImageFormat.BMP,
    ".tif": ImageFormat.TIFF,
    ".deflate.tif": ImageFormat.TIFF,
    ".heic": ImageFormat.HEIF,
    ".avif": ImageFormat.AVIF,
}


def format_of(content: bytes) -> ImageFormat | None:
    return sniff(io.BytesIO(content))


@pytest.mark.parametrize("ending", ENCODERS)
def test_the_content_decides(ending: str) -> None:
    assert format_of(ENCODERS[ending](scene())) is EXPECTED[ending]


def test_a_dng_is_a_raw() -> None:
    assert format_of(dng(scene())) is ImageFormat.RAW
    assert format_of(dng(scene(), encoded(scene(48, 32), "JPEG"))) is ImageFormat.RAW


@pytest.mark.parametrize("kind", [kind for kind in skeletons() if "LibRaw alone" not in kind])
def test_what_is_built_as_a_cameras_raw_is_one(kind: str) -> None:
    assert format_of(skeletons()[kind]) is ImageFormat.RAW


def test_a_scan_by_a_camera_maker_stays_a_tiff() -> None:
    scan = encoded(scene(), "TIFF", exif=exif(t271="NIKON CORPORATION", t272="LS-5000"))

    assert format_of(scan) is ImageFormat.TIFF
    assert format_of(grey_scan("NIKON CORPORATION")) is ImageFormat.TIFF


def test_directories_that_never_end_are_left() -> None:
    """Of what a hostile file announces, a bounded number of tables is read, and no value."""
    entries = b"".join(struct.pack("<HHLL", tag % 65536, 4, 0xFFFFFFFF, 8) for tag in range(65_535))
    loop = struct.pack("<2sHL", b"II", 42, 8) + struct.pack("<H", 65_535) + entries + struct.pack("<L", 8)

    assert format_of(loop) is ImageFormat.TIFF
    assert format_of(loop[:9]) is ImageFormat.TIFF


@pytest.mark.parametrize(
    "head",
    [
        b"FUJIFILMCCD-RAW 0201",
        b"FOVb\0\0\2\0",
        b"\0MRM\0\0\0\0",
        b"IIRO\x08\0\0\0",
        b"IIU\0\x18\0\0\0",
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"II\x1a\0\0\0HEAPCCDR",
        b"II*\0\x10\0\0\0CR\2\0",
    ],
)
def test_raws_that_say_so_in_their_first_bytes(head: bytes) -> None:
    assert format_of(head) is ImageFormat.RAW


def test_avif_and_heif_that_name_their_codec_among_the_compatible_brands() -> None:
    def ftyp(*brands: bytes) -> bytes:
        return struct.pack(">L4s4sL", 16 + 4 * len(brands[1:]), b"ftyp", brands[0], 0) + b"".join(brands[1:])

    assert format_of(ftyp(b"mif1", b"mif1", b"avif", b"miaf")) is ImageFormat.AVIF
    assert format_of(ftyp(b"mif1", b"mif1", b"heic", b"hevc")) is ImageFormat.HEIF
    assert format_of(ftyp(b"isom", b"mp41")) is None


SIGNATURES = {
    "plain.ppm": ImageFormat.PNM,
    "grey.pgm": ImageFormat.PNM,
    "plain.tga": ImageFormat.TGA,
    "runs.tga": ImageFormat.TGA,
    "plain.pcx": ImageFormat.PCX,
    "plain.psd": ImageFormat.PSD,
    "deep.psb": ImageFormat.PSD,
    "lossy.jxl": ImageFormat.JPEG_XL,
    "boxed.jxl": ImageFormat.JPEG_XL,
    "plain.jp2": ImageFormat.JPEG_2000,
    "stream.j2k": ImageFormat.JPEG_2000,
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_formats_of_editors_archives_and_the_future(name: str) -> None:
    assert format_of(specimens()[name]) is SIGNATURES[name]


def test_a_tga_has_no_signature_but_an_end() -> None:
    content = specimens()["plain.tga"]
    uncompressed = content[: 18 + 120 * 80 * 3]

    assert format_of(uncompressed) is ImageFormat.TGA
    for other in (uncompressed[:-1], uncompressed + b"\0", bytes(18), b"\0\0\2" + bytes(99), uncompressed[:18]):
        assert format_of(other) is None


@pytest.mark.parametrize(
    "content",
    [
        b"P6 of the list\n",
        b"P3 12 apples\n",
        b"P6\n# a comment" + b"#" * 4000,
        b"P1 " * 1000,
        b"\n\5\1\x08" + bytes(200),
    ],
)
def test_texts_are_no_pictures(content: bytes) -> None:
    assert format_of(content) is None


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"gimp xcf v011\0", "GIMP (XCF)"),
        (b"v/1\1\2\0\0\0", "OpenEXR"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "Radiance HDR"),
        (b"\0\0\1\0\1\0\x10\x10", "Windows icon (ICO)"),
        (b"II\xbc\1\x20\0\0\0", "JPEG XR"),
        (b"DDS \x7c\0\0\0", "DirectDraw surface (DDS)"),
        (b"qoif\0\0\0\1", "QOI"),
        (b"SIMPLE  =                    T", "FITS"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"P7\nWIDTH 1\n", "PAM"),
        (b"PK\3\4" + bytes(26) + b"mimetypeapplication/x-krita", "Krita"),
    ],
)
def test_a_picture_of_another_format_is_unsupported_and_named(tmp_path: Path, head: bytes, name: str) -> None:
    content = head.ljust(4000, b"\1")
    assert format_of(content) is None
    with pytest.raises(ImageError) as caught:
        decode_image(write(tmp_path, "a.jpg", content), [])
    assert (caught.value.reason, caught.value.message) == (
        Reason.UNSUPPORTED,
        f"the format {name} is not supported",
    )


@pytest.mark.parametrize(
    "content",
    [b"\x89", b"<!DOCTYPE html><html>", b"\0\5\x16\7\0\2\0\0Mac OS X", b"RIFF\xff\0\0\0AVI LIST", b"BM, the letters"],
)
def test_what_is_no_picture_is_named_so(tmp_path: Path, content: bytes) -> None:
    assert format_of(content) is None
    with pytest.raises(ImageError) as caught:
        decode_image(write(tmp_path, "a.jpg", content), [])
    assert caught.value.reason is Reason.UNKNOWN_FORMAT


def test_an_empty_file_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        decode_image(write(tmp_path, "a.jpg", b""), [])
    assert caught.value.reason is Reason.EMPTY


def test_endings_are_lower_case_and_raws_are_images() -> None:
    assert all(ending.startswith(".") and ending == ending.lower() for ending in IMAGE_ENDINGS)
    assert RAW_ENDINGS < IMAGE_ENDINGS
    assert {".jpg", ".jpeg", ".heic", ".avif", ".dng", ".nef", ".cr3", ".tif"} <= IMAGE_ENDINGS
