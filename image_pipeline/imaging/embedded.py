"""Embedded metadata blocks (EXIF, XMP, IPTC), found where each format keeps them.

Pillow reads them, since it opens the header anyway and provides the blocks of every format. Of the alternatives,
exifread raises exceptions on damaged HEIC, AVIF and PNG files and supports neither CR3 nor RAF. rawpy provides ISO and
lens only after it has unpacked all sensor data (0.4 s for 24 megapixels), and never provides the maker.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from PIL import ImageFile, IptcImagePlugin
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from image_pipeline.imaging.gif import gif_xmp
from image_pipeline.imaging.isobmff import Box, boxes, boxes_within
from image_pipeline.imaging.photoshop import IPTC_RESOURCE, PsdPicture, image_resources
from image_pipeline.imaging.pillow_files import JpegPicture
from image_pipeline.imaging.png import png_exif, png_iptc, png_texts, png_xmp
from image_pipeline.imaging.tiff import Directory, TiffReader, file_size
from image_pipeline.imaging.values import first
from image_pipeline.schema.formats import ImageFormat

_PHOTO_IFD, _GPS_IFD, _XMP = 0x8769, 0x8825, 700
_CANON_METADATA = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_FUJI_JPEG_TABLE = 84
_MAX_BLOCK = 32 << 20

IptcRecords = Mapping[tuple[int, int], bytes | list[bytes]]


@dataclass(frozen=True)
class Embedded:
    """The blocks as found: EXIF's three directories, the XMP packet, and IPTC's values by record and dataset number.

    `texts` are those of a PNG by their keyword, in lower case. `is_big_endian` is the byte order of the EXIF block.
    """

    base: Directory = field(default_factory=dict)
    photo: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)
    xmp: bytes | None = None
    iptc: IptcRecords = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    is_big_endian: bool = False


def embedded_in_picture(file: BinaryIO, image_format: ImageFormat, image: ImageFile.ImageFile) -> Embedded:
    """The blocks of a file of any format but RAW; `image` is its opened header.

    Raises whatever Pillow raises for damaged blocks.
    """
    if image_format is ImageFormat.TIFF:
        return _of_tiff(TiffReader.open(file), _iptc(image))
    texts: Mapping[str, str] = {}
    iptc = _iptc(image)
    if image_format is ImageFormat.PNG:
        exif, xmp, texts, iptc = png_exif(file), png_xmp(file), png_texts(file), _iptc_of_png(file)
    elif image_format is ImageFormat.GIF:
        exif, xmp = None, gif_xmp(file)
    else:
        exif, xmp = image.info.get("exif"), image.info.get("xmp")
    found = _of_tiff(TiffReader.of_exif(exif) if isinstance(exif, bytes) else None, iptc)
    return replace(found, xmp=xmp if isinstance(xmp, bytes) else found.xmp, texts=texts)


def embedded_in_raw(file: BinaryIO) -> Embedded:
    """The blocks of a RAW file if it is TIFF-like, Canon's CR3 or Fujifilm's RAF; empty for all others."""
    file.seek(0)
    head = file.read(16)
    if head[4:8] == b"ftyp":
        return _of_canon_boxes(file)
    if head.startswith(b"FUJIFILM"):
        file.seek(_FUJI_JPEG_TABLE)
        start, length = (int.from_bytes(file.read(4), "big") for _ in range(2))
        file.seek(start)
        image = JpegPicture(io.BytesIO(file.read(min(length, _MAX_BLOCK))))
        return embedded_in_picture(file, ImageFormat.JPEG, image)
    return _of_tiff(TiffReader.open(file), {})


def _of_tiff(reader: TiffReader | None, iptc: IptcRecords) -> Embedded:
    if reader is None:
        return Embedded(iptc=iptc)
    base = reader.first()
    xmp = first(base.get(_XMP))  # some programs write it as a list with one value
    return Embedded(
        base,
        reader.at(base.get(_PHOTO_IFD)),
        reader.at(base.get(_GPS_IFD)),
        xmp if isinstance(xmp, bytes) else None,
        iptc,
        is_big_endian=reader.byte_order == b"MM",
    )


def _of_canon_boxes(file: BinaryIO) -> Embedded:
    """The blocks of a CR3, which keeps each EXIF directory in a separate box, wrapped in a TIFF structure."""
    blocks: dict[bytes, Directory] = {}
    xmp = None
    for box in boxes(file, 0, file_size(file)):
        if box.kind == b"uuid" and _read(file, box, 16) == _XMP_BOX:
            xmp = _read(file, box, _MAX_BLOCK)[16:]
        for inner in boxes_within(file, box) if box.kind == b"moov" else ():
            if inner.kind == b"uuid" and _read(file, inner, 16) == _CANON_METADATA:
                for block in boxes_within(file, inner, skip=16):
                    if block.kind in (b"CMT1", b"CMT2", b"CMT4"):
                        reader = TiffReader.of_exif(_read(file, block, _MAX_BLOCK))
                        blocks[block.kind] = reader.first() if reader else {}
    return Embedded(blocks.get(b"CMT1", {}), blocks.get(b"CMT2", {}), blocks.get(b"CMT4", {}), xmp)


def _read(file: BinaryIO, box: Box, most: int) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, most))


def _iptc_of_png(file: BinaryIO) -> IptcRecords:
    block = png_iptc(file)
    if block is not None and block.startswith(b"8BIM"):
        block = next((content for number, content in image_resources(block) if number == IPTC_RESOURCE), None)
    return _iptc_records(block)


def _iptc_records(block: bytes | None) -> IptcRecords:
    """The values of an IPTC block, which Pillow reads only as part of a JPEG."""
    carrier = JpegImageFile.__new__(JpegImageFile)
    carrier.info = {"photoshop": {IPTC_RESOURCE: block}}
    return _iptc(carrier)


def _iptc(image: ImageFile.ImageFile) -> IptcRecords:
    if isinstance(image, PsdPicture):
        return _iptc_records(image.info.get("iptc"))
    if not isinstance(image, JpegImageFile | TiffImageFile):
        return {}
    try:
        return IptcImagePlugin.getiptcinfo(image) or {}
    except Exception:  # any damage: EXIF and XMP may still be sound
        return {}
