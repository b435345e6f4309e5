"""Which format a file is of, told by its content."""

import struct
from enum import StrEnum

HEAD_BYTES = 4096
"""How much of a file's beginning `sniff` wants to see; a shorter file is given whole."""


class ImageFormat(StrEnum):
    """The formats that are read."""

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
"""The endings of cameras' RAW files, in lower case."""

IMAGE_ENDINGS = RAW_ENDINGS | frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".dib",
    ".heic", ".heif", ".hif", ".avif", ".avifs",
))
"""The endings, in lower case, under which pictures are looked for."""
# fmt: on

_RAW_MAGICS = (
    (0, b"FUJIFILMCCD-RAW"),
    (0, b"FOVb"),  # Sigma X3F
    (0, b"\0MRM"),  # Minolta
    (0, b"IIRO"),  # Olympus ORF, in three spellings
    (0, b"IIRS"),
    (0, b"MMOR"),
    (0, b"IIU\0"),  # Panasonic RW2, Leica RWL
    (4, b"ftypcrx "),  # Canon CR3
    (6, b"HEAPCCDR"),  # Canon CRW
    (8, b"CR\x02"),  # Canon CR2, behind a TIFF header
    (8, b"IIII"),  # Phase One IIQ, behind a TIFF header
)
_TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = (12, 40, 52, 56, 64, 108, 124)
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"mif2", b"msf1")
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))

_NEW_SUBFILE_TYPE, _PHOTOMETRIC, _MAKE, _SUB_IFDS, _DNG_VERSION = 254, 262, 271, 330, 50706
_MOSAIC_PHOTOMETRICS = (32803, 34892)  # colour filter array, linear raw


def sniff(head: bytes, ending: str = "") -> ImageFormat | None:
    """The format of a file that begins with `head` (`HEAD_BYTES`, or all of it), None when it is none that is read.

    The content decides, with one exception: `ending` (`".nef"`, in any case) that belongs to RAW files makes it a
    RAW. Many RAWs are TIFF files that only their maker's software can tell apart, and reading one as TIFF gives its
    thumbnail without an error; a file that wrongly calls itself a RAW, on the other hand, is found out by LibRaw.
    """
    if not head:
        return None
    if ending.lower() in RAW_ENDINGS or any(head.startswith(magic, at) for at, magic in _RAW_MAGICS):
        return ImageFormat.RAW
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
    if head.startswith(_TIFF_MAGICS):
        return ImageFormat.RAW if _is_raw_directory(_inline_tags(head)) else ImageFormat.TIFF
    if head.startswith(b"ftyp", 4):
        return _isobmff_format(head)
    if head.startswith(b"BM") and len(head) >= 18 and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return ImageFormat.BMP
    return None


def _isobmff_format(head: bytes) -> ImageFormat | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]
    # A file may name `mif1` first and say only among the compatible brands that AV1 is inside.
    if _AVIF_BRANDS.intersection(brands) and not (_HEIF_BRANDS - {b"mif1", b"msf1", b"mif2"}).intersection(brands):
        return ImageFormat.AVIF
    return ImageFormat.HEIF if _HEIF_BRANDS.intersection(brands) else None


def _inline_tags(head: bytes) -> dict[int, int]:
    """The tags of a TIFF file's first directory, with the first number of each; none where it lies beyond `head`."""
    order = "<" if head.startswith(b"II") else ">"
    tags: dict[int, int] = {}
    if head[2:4] not in (b"*\0", b"\0*") or len(head) < 8:
        return tags  # a BigTIFF: cameras do not write it
    (at,) = struct.unpack_from(order + "L", head, 4)
    if at + 2 > len(head):
        return tags
    (count,) = struct.unpack_from(order + "H", head, at)
    for entry in range(at + 2, min(at + 2 + 12 * count, len(head) - 11), 12):
        tag, kind = struct.unpack_from(order + "HH", head, entry)
        (value,) = struct.unpack_from(order + ("H" if kind == 3 else "L"), head, entry + 8)
        tags[tag] = value
    return tags


def _is_raw_directory(tags: dict[int, int]) -> bool:
    """Whether a TIFF file's first directory is that of a RAW.

    It says so itself (a DNG, a mosaic), or it is what cameras write and scanners do not: a small preview by a named
    maker, with the picture itself in a sub-directory.
    """
    if _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _MOSAIC_PHOTOMETRICS:
        return True
    return tags.get(_NEW_SUBFILE_TYPE, 0) & 1 == 1 and _SUB_IFDS in tags and _MAKE in tags
