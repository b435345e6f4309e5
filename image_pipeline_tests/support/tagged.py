"""Pictures with metadata that the tests write themselves, byte by byte where libraries would mend them."""

import io
import struct
from collections.abc import Mapping
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from image_pipeline_tests.support.scenes import encoded, scene

NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "acdsee": "http://ns.acdsee.com/iptc/1.0/",
    "acdsee-rs": "http://ns.acdsee.com/regions/",
    "mediapro": "http://ns.iview-multimedia.com/mediapro/1.0/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def packet(body: str = "", **attributes: str) -> bytes:
    """An XMP packet with the elements `body` and attributes such as `exif_GPSLatitude="1"`."""
    spaces = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in NAMESPACES.items())
    simple = " ".join(f'{name.replace("_", ":", 1)}="{value}"' for name, value in attributes.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {simple}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def bag(name: str, *items: str, kind: str = "Bag") -> str:
    """A property with a list of texts or elements."""
    listed = "".join(f"<rdf:li>{item}</rdf:li>" for item in items)
    return f"<{name}><rdf:{kind}>{listed}</rdf:{kind}></{name}>"


def exif_block(
    base: Mapping[int, Any] | None = None, photo: Mapping[int, Any] | None = None, gps: Mapping[int, Any] | None = None
) -> bytes:
    """An EXIF block with these tags in its three directories. A value of bytes is written as a text, undecoded."""
    block = Image.Exif()
    marks: dict[bytes, bytes] = {}
    for number, (directory, tags) in enumerate(((None, base), (0x8769, photo), (0x8825, gps))):
        target = block if directory is None else block.get_ifd(directory)
        for tag, value in (tags or {}).items():
            if isinstance(value, bytes) and tag not in (5, 0x9286):
                mark = f"{number}{tag}".ljust(len(value), "_")
                assert len(mark) == len(value), "too short to be replaced"
                marks[mark.encode()], value = value, mark
            target[tag] = value
    content = block.tobytes()
    for mark, value in marks.items():
        assert content.count(mark) == 1
        content = content.replace(mark, value)
    return content


def signed_gps(latitude: tuple[tuple[int, int], ...], longitude: tuple[tuple[int, int], ...], references: str) -> bytes:
    """An EXIF block with a position of signed rationals (numerator, denominator), which Pillow does not write."""
    data = 8 + 2 + 12 + 4
    entries = [(1, 2, references[0]), (2, 10, latitude), (3, 2, references[1]), (4, 10, longitude)]
    content = b"II*\0" + struct.pack("<L", 8) + struct.pack("<HHHLLL", 1, 0x8825, 4, 1, data, 0)
    at = data + 2 + 12 * len(entries) + 4
    directory, values = struct.pack("<H", len(entries)), b""
    for tag, kind, value in entries:
        if isinstance(value, str):
            directory += struct.pack("<HHL", tag, kind, 2) + value.encode().ljust(4, b"\0")
        else:
            directory += struct.pack("<HHLL", tag, kind, len(value), at + len(values))
            values += b"".join(struct.pack("<ll", *part) for part in value)
    return b"Exif\0\0" + content + directory + bytes(4) + values


def iptc_block(**records: bytes | str | list[bytes]) -> bytes:
    """The records of IPTC's application record by number (`n55="20231029"`)."""
    content = b""
    for name, value in records.items():
        for one in value if isinstance(value, list) else [value]:
            raw = one.encode() if isinstance(one, str) else one
            content += struct.pack(">BBBH", 0x1C, 2, int(name[1:]), len(raw)) + raw
    return content


def jpeg(exif: bytes | None = None, xmp: bytes | None = None, iptc: bytes | None = None) -> bytes:
    """A JPEG with these blocks."""
    options = {name: block for name, block in (("exif", exif), ("xmp", xmp)) if block is not None}
    content = encoded(scene(), "JPEG", **options)
    if iptc is None:
        return content
    resource = b"8BIM" + struct.pack(">HHL", 0x0404, 0, len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    segment = b"Photoshop 3.0\0" + resource
    return content[:2] + struct.pack(">HH", 0xFFED, len(segment) + 2) + segment + content[2:]


def gif_with_xmp(xmp: bytes) -> bytes:
    """A GIF with a packet between its header and its picture (XMP specification part 3, 1.1.2)."""
    buffer = io.BytesIO()
    scene().quantize(16).save(buffer, "GIF")
    content = buffer.getvalue()
    start = 13 + (3 << ((content[10] & 7) + 1))
    trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return content[:start] + b"\x21\xff\x0bXMP DataXMP" + xmp + trailer + content[start:]


def with_profiles(picture: Image.Image, **profiles: bytes) -> bytes:
    """A PNG with blocks (`exif`, `xmp`, `iptc`) as ImageMagick writes them: as texts of hexadecimal digits."""
    info = PngInfo()
    for name, block in profiles.items():
        info.add_text(f"Raw profile type {name}", f"\n{name}\n{len(block):8}\n{block.hex()}\n", zip=True)
    return encoded(picture, "PNG", pnginfo=info)


def jpeg_xl(*boxes: tuple[bytes, bytes]) -> bytes:
    """A JPEG XL in boxes, with further boxes behind its picture: their types and contents (ISO/IEC 18181-2)."""
    picture = bytes(imagecodecs.jpegxl_encode(np.asarray(scene()), usecontainer=True))
    return picture + b"".join(box(kind, content) for kind, content in boxes)


def jpeg_2000(exif: bytes, xmp: bytes) -> bytes:
    """A JPEG 2000 with these blocks in boxes behind its picture."""
    identity = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
    blocks = box(b"uuid", b"JpgTiffExif->JP2" + exif.removeprefix(b"Exif\0\0")) + box(b"uuid", identity + xmp)
    return encoded(scene(), "JPEG2000") + blocks


def cr3(base: bytes, photo: bytes) -> bytes:
    """A file built as Canon's CR3, without a picture: two EXIF blocks with its first two directories."""
    blocks = box(b"CMT1", base.removeprefix(b"Exif\0\0")) + box(b"CMT2", photo.removeprefix(b"Exif\0\0"))
    canon = box(b"uuid", bytes.fromhex("85c0b687820f11e08111f4ce462b6a48") + blocks)
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", canon) + box(b"mdat", bytes(100))


def raf(preview: bytes) -> bytes:
    """A file built as Fujifilm's RAF, with a JPEG as preview and no picture."""
    header = b"FUJIFILMCCD-RAW 0201FF000000".ljust(84, b"\0") + struct.pack(">LL", 160, len(preview))
    return header.ljust(160, b"\0") + preview


def box(kind: bytes, content: bytes) -> bytes:
    """A box of the ISO base media file format (ISO/IEC 14496-12)."""
    return struct.pack(">L4s", 8 + len(content), kind) + content
