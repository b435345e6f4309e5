"""Image formats: how to identify them by content, and their file name extensions."""

import os
import re
import struct
from enum import StrEnum
from typing import BinaryIO

from image_pipeline.schema.raw_structure import TIFF_MAGICS, read_structure

_HEAD_BYTES = 4096


class ImageFormat(StrEnum):
    """The supported formats."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    GIF = "gif"
    TIFF = "tiff"
    BMP = "bmp"
    HEIF = "heif"
    AVIF = "avif"
    RAW = "raw"
    JPEG_XL = "jpeg-xl"
    JPEG_2000 = "jpeg-2000"
    PSD = "psd"
    PNM = "pnm"
    TGA = "tga"
    PCX = "pcx"


OTHER_FORMATS = {"jpg": "jpeg", "tif": "tiff", "heic": "heif", "jxl": "jpeg-xl", "jp2": "jpeg-2000"}
"""Other names by which people know formats."""


# fmt: off
RAW_ENDINGS = frozenset((
    ".3fr", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".dng", ".drf", ".erf", ".fff", ".gpr",
    ".iiq", ".k25", ".kdc", ".mdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".ptx", ".pxn",
    ".raf", ".raw", ".rw2", ".rwl", ".rwz", ".sr2", ".srf", ".srw", ".x3f",
))
"""The extensions of cameras' RAW files, in lower case."""

IMAGE_ENDINGS = RAW_ENDINGS | frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".dib",
    ".heic", ".heif", ".heics", ".heifs", ".hif", ".avif", ".avifs", ".mpo", ".jxl", ".jp2", ".j2k", ".j2c", ".jpc",
    ".jpf", ".jpx", ".psd", ".psb", ".pnm", ".pbm", ".pgm", ".ppm", ".pfm", ".tga", ".icb", ".vda", ".vst", ".pcx",
))
"""The extensions, in lower case, of files that may be pictures."""
# fmt: on

_RAW_MAGICS = (
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"FOVb"),  # Sigma X3F
    (0, b"\0MRM"),  # Minolta
    (0, b"IIRO"),  # Olympus ORF, in three variants
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\0"),  # Panasonic RW2, Leica RWL
    (4, b"ftypcrx "),  # Canon CR3
    (6, b"HEAPCCDR"),  # Canon CRW
    (8, b"CR\x02"),  # Canon CR2, after a TIFF header
    (8, b"IIII"),  # Phase One IIQ, after a TIFF header, in either byte order
    (8, b"MMMM"),
)
_MAGICS = {
    b"\xff\xd8\xff": ImageFormat.JPEG,
    b"\x89PNG\r\n\x1a\n": ImageFormat.PNG,
    b"GIF87a": ImageFormat.GIF,
    b"GIF89a": ImageFormat.GIF,
    b"\xff\x0a": ImageFormat.JPEG_XL,
    b"\0\0\0\x0cJXL \r\n\x87\n": ImageFormat.JPEG_XL,
    b"\xff\x4f\xff\x51": ImageFormat.JPEG_2000,
    b"\0\0\0\x0cjP  \r\n\x87\n": ImageFormat.JPEG_2000,
}
_UNSUPPORTED_MAGICS = (
    (0, b"gimp xcf ", "GIMP (XCF)"),
    (0, b"v/1\1", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"#?RGBE", "Radiance HDR"),
    (0, b"\0\0\1\0", "Windows icon (ICO)"),
    (0, b"icns", "Apple icon (ICNS)"),
    (0, b"II\xbc\1", "JPEG XR"),
    (0, b"II\xbc\0", "JPEG XR"),
    (0, b"DDS ", "DirectDraw surface (DDS)"),
    (0, b"qoif", "QOI"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"SIMPLE  =", "FITS"),
    (128, b"DICM", "DICOM"),
    (0, b"BPG\xfb", "BPG"),
    (0, b"FLIF", "FLIF"),
    (0, b"\x8aMNG\r\n\x1a\n", "MNG"),
    (0, b"\x8bJNG\r\n\x1a\n", "JNG"),
    (0, b"Paint Shop Pro Image File\n", "Paint Shop Pro"),
    (0, b"\x59\xa6\x6a\x95", "Sun raster"),
    (0, b"SDPX", "DPX"),
    (0, b"XPDS", "DPX"),
    (0, b"P7\n", "PAM"),
    (0, b"CSFCHUNK", "Clip Studio Paint"),
    (30, b"mimetypeapplication/x-krita", "Krita"),
    (30, b"mimetypeimage/openraster", "OpenRaster"),
)
_SPACE = rb"(?:\s|#[^\r\n]*[\r\n])+"
_PNM_HEADER = re.compile(rb"P(?:[14]%s\d+%s\d+\s|[2356]%s\d+%s\d+%s\d+\s|f\s\d+\s\d+\s-?[\d.]+\s)" % ((_SPACE,) * 5))
"""The start of a PBM, PGM, PPM or grey PFM file: the sizes are decimal numbers, with comments between them."""
_TGA_HEADER_BYTES, _TGA_FOOTER_BYTES = 18, 26
_TGA_KINDS = (1, 2, 3, 9, 10, 11)
"""Palette, colour and grey, each uncompressed or run-length encoded."""
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))


def sniff(file: BinaryIO) -> ImageFormat | None:
    """The format of an open file, or None if its content matches no known structure.

    The file's name and extension play no part: the same bytes are the same picture, whatever each copy is called.
    Raises OSError if the file cannot be read.
    """
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if any(head.startswith(magic, at) for at, magic in _RAW_MAGICS):
        return ImageFormat.RAW
    if head.startswith(TIFF_MAGICS):
        return ImageFormat.RAW if read_structure(file).is_raw else ImageFormat.TIFF
    return _standard_format(head) or (ImageFormat.TGA if unsupported_format(head) is None and _is_tga(file) else None)


def unsupported_format(head: bytes) -> str | None:
    """The name of the picture format whose signature is in the first bytes of a file, if it is not supported."""
    return next((name for at, magic, name in _UNSUPPORTED_MAGICS if head.startswith(magic, at)), None)


def _standard_format(head: bytes) -> ImageFormat | None:
    for magic, image_format in _MAGICS.items():
        if head.startswith(magic):
            return image_format
    if head.startswith(b"RIFF") and head.startswith(b"WEBP", 8):
        return ImageFormat.WEBP
    if head.startswith(b"ftyp", 4):
        return _isobmff_format(head)
    if head.startswith(b"BM") and len(head) >= 18 and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return ImageFormat.BMP
    if head.startswith(b"8BPS\0") and head[5:6] in (b"\1", b"\2"):  # PSD, PSB
        return ImageFormat.PSD
    if _PNM_HEADER.match(head):
        return ImageFormat.PNM
    return ImageFormat.PCX if _is_pcx(head) else None


def _is_pcx(head: bytes) -> bool:
    """Whether a file begins with a header of ZSoft's PCX: of all its bytes, only the first is a signature."""
    if len(head) < 128 or head[0] != 10 or head[1] not in (0, 2, 3, 4, 5) or head[2] != 1 or head[64] != 0:
        return False
    left, top, right, bottom = struct.unpack_from("<4H", head, 4)
    (line_bytes,) = struct.unpack_from("<H", head, 66)
    return head[3] in (1, 2, 4, 8) and 1 <= head[65] <= 4 and left <= right and top <= bottom and line_bytes > 0


def _is_tga(file: BinaryIO) -> bool:
    """Whether a file has the header of a TGA, and proves it by its end.

    The header has no signature. The end is the footer of version 2, or that of the uncompressed picture, to the byte.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    header = file.read(_TGA_HEADER_BYTES)
    if len(header) < _TGA_HEADER_BYTES:
        return False
    identity, has_colours, kind, _, colours, colour_bits, _, _, width, height, depth, flags = struct.unpack(
        "<BBBHHBHHHHBB", header
    )
    if kind not in _TGA_KINDS or depth not in (8, 15, 16, 24, 32) or has_colours > 1 or not width or not height:
        return False
    if flags & 0xC0:  # interleaved, as no program writes it
        return False
    file.seek(max(0, size - _TGA_FOOTER_BYTES))
    if file.read(_TGA_FOOTER_BYTES).endswith(b"TRUEVISION-XFILE.\0"):
        return True
    table = colours * -(-colour_bits // 8) if has_colours else 0
    return bool(kind < 8 and size == _TGA_HEADER_BYTES + identity + table + width * height * -(-depth // 8))


def _isobmff_format(head: bytes) -> ImageFormat | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    # A file may have `mif1` as its major brand and declare AV1 only among its compatible brands.
    if _AVIF_BRANDS.intersection(brands) and not (_HEIF_BRANDS - {b"mif1", b"msf1", b"mif2"}).intersection(brands):
        return ImageFormat.AVIF
    return ImageFormat.HEIF if _HEIF_BRANDS.intersection(brands) else None
