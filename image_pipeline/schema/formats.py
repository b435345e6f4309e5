"""Image formats: how to identify them by content, and their file name extensions."""

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


# fmt: off
RAW_ENDINGS = frozenset((
    ".3fr", ".arw", ".bay", ".cap", ".cr2", ".cr3", ".crw", ".dcr", ".dcs", ".dng", ".drf", ".erf", ".fff", ".gpr",
    ".iiq", ".k25", ".kdc", ".mdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".ptx", ".pxn",
    ".raf", ".raw", ".rw2", ".rwl", ".rwz", ".sr2", ".srf", ".srw", ".x3f",
))
"""The extensions of cameras' RAW files, in lower case."""

IMAGE_ENDINGS = RAW_ENDINGS | frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".dib",
    ".heic", ".heif", ".hif", ".avif", ".avifs",
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
    return _standard_format(head)


def _standard_format(head: bytes) -> ImageFormat | None:
    if head.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return ImageFormat.GIF
    if head.startswith(b"RIFF") and head.startswith(b"WEBP", 8):
        return ImageFormat.WEBP
    if head.startswith(b"ftyp", 4):
        return _isobmff_format(head)
    if head.startswith(b"BM") and len(head) >= 18 and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return ImageFormat.BMP
    return None


def _isobmff_format(head: bytes) -> ImageFormat | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    # A file may have `mif1` as its major brand and declare AV1 only among its compatible brands.
    if _AVIF_BRANDS.intersection(brands) and not (_HEIF_BRANDS - {b"mif1", b"msf1", b"mif2"}).intersection(brands):
        return ImageFormat.AVIF
    return ImageFormat.HEIF if _HEIF_BRANDS.intersection(brands) else None
