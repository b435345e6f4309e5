"""Whatever a file says of itself, no exception escapes, and what is told of it is plausible and can be stored."""

import io
import json
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from html import escape
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import imagecodecs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from image_pipeline.files.dated_names import date_of_name
from image_pipeline.imaging.metadata import read_metadata
from image_pipeline.imaging.taken_at import moment_of, moment_of_png
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.moment import Moment
from image_pipeline.stages.file_facts import file_facts
from image_pipeline_tests.hostile.mutations import Damage, damaged
from image_pipeline_tests.support.photoshop import photoshop, resource
from image_pipeline_tests.support.scenes import encoded, scene
from image_pipeline_tests.support.specimens import png_chunk, specimens
from image_pipeline_tests.support.tagged import box, with_profiles

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

SHORT = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_KNOWN_TAGS = [0x010E, 0x010F, 0x0110, 0x0112, 0x0132, 0x4746, 0x8298, 0x829A, 0x829D, 0x8769, 0x8825, 0x8827, 0x8832]
_KNOWN_TAGS += [
    0x9004,
    0x9010,
    0x9286,
    0x9003,
    0x9011,
    0x9291,
    0x920A,
    0x9C9B,
    0x9C9C,
    0x9C9E,
    0xA434,
    700,
    33723,
    *range(1, 8),
    23,
    29,
    330,
]
_TAGS = st.sampled_from(_KNOWN_TAGS)
_DATES = st.from_regex(r"20[0-2]\d[:/-]0\d[:/-]1\d[ T]1\d:[0-5]\d:[0-5]\d([.]\d+)?([+-]0\d:00)?", fullmatch=True)
_TEXTS = st.one_of(st.text(max_size=60), _DATES, st.text("0123456789٣۴५:-+., /TZNSEW", max_size=40))
_PROPERTIES = ["dc:title", "dc:description", "dc:subject", "xmp:Rating", "xmp:CreateDate", "exif:GPSLatitude"]
_PROPERTIES += ["exif:GPSLongitude", "exif:DateTimeOriginal", "exif:GPSTimeStamp", "photoshop:DateCreated"]
_PROPERTIES += ["tiff:Make", "tiff:Model", "aux:Lens", "exifEX:LensModel", "exif:GPSLatitudeRef", "exif:UserComment"]
_PROPERTIES += ["photoshop:City", "lr:hierarchicalSubject", "digiKam:TagsList", "acdsee:categories"]
_PROPERTIES += ["Iptc4xmpExt:PersonInImage", "mwg-rs:RegionList", "mwg-rs:Regions", "exif:GPSAltitude"]
_PROPERTIES += ["exif:ExposureTime", "exif:FNumber", "exif:FocalLength", "exif:ISOSpeedRatings"]
_PROPERTIES += ["exifEX:PhotographicSensitivity"]
_STRUCTURES = ["mwg-rs:Regions", "mwg-rs:RegionList", "mwg-rs:Name", "mwg-rs:Type", "MP:RegionInfo", "MPRI:Regions"]
_STRUCTURES += ["MPReg:PersonDisplayName", "Iptc4xmpExt:PersonInImageWDetails", "Iptc4xmpExt:PersonName"]
_STRUCTURES += ["Iptc4xmpExt:LocationShown", "Iptc4xmpExt:City", "dc:title", "dc:subject", "rdf:Bag", "rdf:Seq"]
_STRUCTURES += ["rdf:Alt", "rdf:li", "rdf:li", "rdf:li", "rdf:Description", "rdf:value"]
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "acdsee": "http://ns.acdsee.com/iptc/1.0/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
_MAGICS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\xff\0\0\0WEBPVP8X", b"II*\0", b"MM\0*", b"II+\0")
_MAGICS += (b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif", b"\0\0\0\x18ftypcrx ", b"FUJIFILMCCD-RAW ", b"IIU\0", b"IIRO")
_MAGICS += (b"II\x1a\0\0\0HEAPCCDR", b"FOVb", b"\0MRM", b"BM", b"")
_MAGICS += (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")
_MAGICS += (b"8BPS\0\1\0\0\0\0\0\0\0\3", b"8BPS\0\2", b"P6\n24 16\n255\n", b"Pf 24 16 -1.0\n", b"\x0a\5\1\x08")
_PICTURE = scene(24, 16)
_PICTURES = {image_format: encoded(_PICTURE, image_format) for image_format in ("JPEG", "WEBP", "PNG", "JPEG2000")}
_PICTURES["JXL"] = bytes(imagecodecs.jpegxl_encode(np.asarray(_PICTURE), usecontainer=True))
_XMP_IDENTITY = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


@contextmanager
def file_of(content: bytes, ending: str) -> Iterator[Path]:
    with TemporaryDirectory() as directory:
        path = Path(directory) / f"a{ending}"
        path.write_bytes(content)
        yield path


def metadata_of(content: bytes, ending: str = ".jpg") -> ImageMetadata:
    """What is told of a file, once it was found plausible and stored."""
    with file_of(content, ending) as path:
        metadata = read_metadata(path)
    check(metadata)
    return metadata


def check(metadata: ImageMetadata) -> None:
    assert_within(metadata.width, 1, 1 << 32)
    assert_within(metadata.height, 1, 1 << 32)
    assert_within(metadata.orientation, 1, 8)
    assert_within(metadata.latitude, -90, 90)
    assert_within(metadata.longitude, -180, 180)
    assert_within(metadata.altitude_m, -11_000, 100_000)
    assert_within(metadata.iso, 1, 10_000_000)
    assert_within(metadata.exposure_s, 1e-7, 1e6)
    assert_within(metadata.f_number, 0.5, 1000)
    assert_within(metadata.focal_length_mm, 0.1, 20_000)
    assert_within(metadata.rating, -1, 5)
    assert (metadata.latitude is None) == (metadata.longitude is None)
    if metadata.taken_at is not None:
        assert metadata.taken_at.isascii()
        assert 1826 <= datetime.fromisoformat(metadata.taken_at).year <= 2099
        moment = Moment.parse(metadata.taken_at, str(metadata.taken_precision))
        assert moment.iso == metadata.taken_at and moment.clock < moment.end
    assert (metadata.taken_at is None) == (metadata.taken_from is None) == (metadata.taken_precision is None)
    check_facts(metadata)
    texts = (metadata.camera_make, metadata.camera_model, metadata.lens, metadata.title, metadata.description)
    places = (metadata.city, metadata.state, metadata.country)
    for text in (*filter(None, texts), *filter(None, places), *metadata.keywords, *metadata.people):
        assert text == text.strip() and 0 < len(text) <= 2000
        assert text.encode("utf-8")
        assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in text)
    assert len(metadata.keywords) <= 2000 and len(metadata.people) <= 500
    check_storage(metadata)


def check_facts(metadata: ImageMetadata) -> None:
    """What follows from the metadata can be stored, too."""
    known = {name: value for name, value in asdict(metadata).items() if value is not None}
    if metadata.latitude is not None:
        known["place"] = {"lat": metadata.latitude, "lon": metadata.longitude}
    facts = file_facts("IMG_20220103_123456.jpg", known)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert {"taken_local", "taken_local_end", "taken_local_from"} <= facts.keys()
    assert datetime.fromisoformat(facts["taken_local"]) < datetime.fromisoformat(facts["taken_local_end"])


def assert_within(value: float | None, low: float, high: float) -> None:
    assert value is None or low <= value <= high


def check_storage(metadata: ImageMetadata) -> None:
    row = asdict(metadata) | {"keywords": list(metadata.keywords), "people": list(metadata.people)}
    assert json.loads(json.dumps(row, allow_nan=False, ensure_ascii=False).encode("utf-8")) == row
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([row]), buffer)
    assert pq.read_table(buffer).to_pylist() == [row]


@st.composite
def exif_blocks(draw: st.DrawFn) -> bytes:
    """TIFF structures of up to four directories, whose entries are as they please, and point where they like."""
    order = draw(st.sampled_from("<>"))
    count = draw(st.integers(1, 4))
    starts = [8 + 300 * number for number in range(count)]
    content = bytearray((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", starts[0]) + bytes(2400))
    pointers = st.one_of(st.sampled_from(starts), st.integers(0, 2400), st.integers(0, 0xFFFFFFFF))
    for start in starts:
        entries = draw(st.lists(st.tuples(_TAGS, st.sampled_from(sorted(_TYPE_BYTES))), max_size=12))
        struct.pack_into(order + "H", content, start, len(entries))
        for index, (tag, kind) in enumerate(entries):
            number = draw(st.one_of(st.integers(0, 4), st.sampled_from((20, 1000, 0xFFFFFFFF))))
            is_pointer = tag in (0x8769, 0x8825, 330) or number * _TYPE_BYTES[kind] > 4
            value = draw(pointers) if is_pointer else draw(st.integers(0, 0xFFFFFFFF))
            struct.pack_into(order + "HHLL", content, start + 2 + 12 * index, tag, kind, number, value)
        struct.pack_into(order + "L", content, start + 2 + 12 * len(entries), draw(pointers))
    values = draw(st.one_of(st.binary(max_size=200), _DATES.map(str.encode), st.text(max_size=60).map(str.encode)))
    content[1300 : 1300 + len(values)] = values
    return bytes(content)


@st.composite
def xmp_packets(draw: st.DrawFn) -> bytes:
    """Packets with the properties that are read, as attributes or as elements, in lists or not."""
    parts, attributes = [], []
    for name in draw(st.lists(st.sampled_from(_PROPERTIES), max_size=8, unique=True)):
        value = escape(draw(_TEXTS))
        form = draw(st.integers(0, 2))
        if form == 0:
            attributes.append(f'{name}="{value}"')
        elif form == 1:
            parts.append(f"<{name}>{value}</{name}>")
        else:
            items = "".join(f"<rdf:li>{escape(item)}</rdf:li>" for item in draw(st.lists(_TEXTS, max_size=90)))
            parts.append(f"<{name}><rdf:Bag>{items}</rdf:Bag></{name}>")
    return packet_of("".join(parts), " ".join(attributes))


def packet_of(body: str, attributes: str = "") -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{address}"' for prefix, address in _NAMESPACES.items())
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<rdf:Description {spaces} {attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    return packet.encode("utf-8", "surrogatepass")


def _element(name: str, attribute: str, text: str, inner: list[str]) -> str:
    kept = f' {attribute}="{escape(text)}"' if attribute and attribute != "rdf:li" else ""
    return f"<{name}{kept}>{escape(text)}{''.join(inner)}</{name}>"


_NAMES = st.sampled_from(_STRUCTURES)
_TREES = st.recursive(
    _TEXTS.map(escape),
    lambda inner: st.builds(_element, _NAMES, st.sampled_from(("", *_STRUCTURES)), _TEXTS, st.lists(inner, max_size=4)),
    max_leaves=40,
)
"""Elements inside elements: regions, people and places, and what looks like them."""


@st.composite
def iptc_records(draw: st.DrawFn) -> bytes:
    records = draw(
        st.lists(
            st.tuples(st.sampled_from((5, 25, 55, 60, 62, 63, 90, 95, 101, 120)), st.binary(max_size=80)), max_size=100
        )
    )
    return b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in records)


def jpeg_with(marker: int, block: bytes) -> bytes:
    content = _PICTURES["JPEG"]
    return content[:2] + struct.pack(">BBH", 0xFF, marker, len(block[:65_000]) + 2) + block[:65_000] + content[2:]


def webp_with(kind: bytes, block: bytes) -> bytes:
    """A WebP in its extended form (VP8X), with a chunk of EXIF or XMP."""
    picture = _PICTURES["WEBP"][12:]
    flags = 8 if kind == b"EXIF" else 4
    extended = b"VP8X" + struct.pack("<LL", 10, flags) + (23).to_bytes(3, "little") + (15).to_bytes(3, "little")
    chunk = kind + struct.pack("<L", len(block)) + block + b"\0" * (len(block) % 2)
    body = b"WEBP" + extended + picture + chunk
    return b"RIFF" + struct.pack("<L", len(body)) + body


def png_with(kind: bytes, block: bytes) -> bytes:
    content = _PICTURES["PNG"]
    return content[:33] + png_chunk(kind, block) + content[33:]


def jpeg_2000_with(identity: bytes, block: bytes) -> bytes:
    return _PICTURES["JPEG2000"] + box(b"uuid", identity + block)


def jpeg_xl_with(kind: bytes, block: bytes) -> bytes:
    return _PICTURES["JXL"] + box(kind, block)


def packed_jpeg_xl_with(kind: bytes, block: bytes) -> bytes:
    return jpeg_xl_with(b"brob", kind + imagecodecs.brotli_encode(block))


def photoshop_with(number: int, block: bytes) -> bytes:
    return photoshop(_PICTURE, resources={number: block})


def check_exif(block: bytes, carrier: int) -> None:
    carriers = (
        (".jpg", lambda: jpeg_with(0xE1, b"Exif\0\0" + block)),
        (".webp", lambda: webp_with(b"EXIF", block)),
        (".png", lambda: png_with(b"eXIf", block)),
        (".dng", lambda: block),
        (".tif", lambda: block),
        (".jxl", lambda: jpeg_xl_with(b"Exif", bytes(4) + block)),
        (".jxl", lambda: packed_jpeg_xl_with(b"Exif", bytes(4) + block)),
        (".jp2", lambda: jpeg_2000_with(b"JpgTiffExif->JP2", block)),
        (".psd", lambda: photoshop_with(1058, block)),
        (".png", lambda: with_profiles(_PICTURE, exif=block)),
    )
    ending, make = carriers[carrier]
    metadata = metadata_of(make(), ending)
    if ending not in (".dng", ".tif"):
        assert {metadata.width, metadata.height} == {24, 16}


def check_xmp(packet: bytes, carrier: int) -> None:
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet)
    carriers = (
        (".jpg", lambda: jpeg_with(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)),
        (".webp", lambda: webp_with(b"XMP ", packet)),
        (".png", lambda: png_with(b"iTXt", text)),
        (".jxl", lambda: jpeg_xl_with(b"xml ", packet)),
        (".jxl", lambda: packed_jpeg_xl_with(b"xml ", packet)),
        (".jp2", lambda: jpeg_2000_with(_XMP_IDENTITY, packet)),
        (".psd", lambda: photoshop_with(1060, packet)),
        (".png", lambda: with_profiles(_PICTURE, xmp=packet)),
        (".tif", lambda: encoded(_PICTURE, "TIFF", tiffinfo={700: packet})),
    )
    ending, make = carriers[carrier]
    metadata = metadata_of(make(), ending)
    assert (metadata.width, metadata.height) == (24, 16)


def check_mutation(name: str, damage: Damage, seed: int) -> None:
    other = specimens()[Random(seed).choice(list(specimens()))]
    metadata_of(damaged(specimens()[name], damage, Random(seed), other), Path(name).suffix)


EXIF = given(exif_blocks(), st.integers(0, 9))
XMP = given(xmp_packets(), st.integers(0, 8))
TREES = given(st.lists(_TREES, max_size=3), st.integers(0, 8))
IPTC = given(st.one_of(iptc_records(), st.binary(max_size=300)), st.integers(0, 3))
BYTES = given(st.sampled_from(_MAGICS), st.binary(max_size=2000), st.sampled_from((".jpg", ".tif", ".nef", ".heic")))
MUTATIONS = given(
    st.sampled_from(list(specimens())), st.sampled_from(list(Damage)), st.integers(min_value=0, max_value=1 << 32)
)


@SHORT
@EXIF
def test_exif_of_any_shape(block: bytes, carrier: int) -> None:
    check_exif(block, carrier)


@SHORT
@XMP
def test_xmp_of_any_words(packet: bytes, carrier: int) -> None:
    check_xmp(packet, carrier)


@SHORT
@IPTC
def test_iptc_of_any_bytes(records: bytes, carrier: int) -> None:
    check_iptc(records, carrier)


def check_iptc(records: bytes, carrier: int) -> None:
    carriers = (
        (".jpg", lambda: jpeg_with(0xED, b"Photoshop 3.0\0" + resource(0x0404, records))),
        (".psd", lambda: photoshop_with(0x0404, records)),
        (".png", lambda: with_profiles(_PICTURE, iptc=resource(0x0404, records))),
        (".png", lambda: with_profiles(_PICTURE, iptc=records)),
    )
    ending, make = carriers[carrier]
    assert metadata_of(make(), ending).width == 24


@SHORT
@TREES
def test_xmp_of_any_depth(trees: list[str], carrier: int) -> None:
    check_xmp(packet_of("".join(trees)), carrier)


PNG_TEXTS = given(
    st.sampled_from((b"tEXt", b"zTXt", b"iTXt")),
    st.sampled_from((b"Title", b"Description", b"Creation Time", b"Raw profile type iptc", b"XML:com.adobe.xmp")),
    st.sampled_from((b"\0", b"\0\0", b"\0\1", b"\0\1\0\0\0", b"\0\0\0en\0\0", b"")),
    st.one_of(_TEXTS.map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=200)),
    st.booleans(),
)


@SHORT
@PNG_TEXTS
def test_png_texts_of_any_bytes(kind: bytes, keyword: bytes, between: bytes, text: bytes, packed: bool) -> None:
    check_png_text(kind, keyword, between, text, packed)


def check_png_text(kind: bytes, keyword: bytes, between: bytes, text: bytes, packed: bool) -> None:
    content = keyword + between + (zlib.compress(text) if packed else text)
    assert metadata_of(png_with(kind, content), ".png").width == 24


@SHORT
@BYTES
def test_any_bytes_behind_any_magic_number(magic: bytes, content: bytes, ending: str) -> None:
    metadata_of(magic + content, ending)


@SHORT
@MUTATIONS
def test_damaged_files(name: str, damage: Damage, seed: int) -> None:
    check_mutation(name, damage, seed)


NAMES = given(st.one_of(st.text(max_size=80), _DATES, st.text("0123456789٣-_. ATPMXLatm", max_size=60)), st.data())


@SHORT
@NAMES
def test_names_and_dates_of_any_letters(name: str, data: st.DataObject) -> None:
    for moment in (
        date_of_name(name),
        moment_of(name),
        moment_of_png(name),
        moment_of(data.draw(st.binary(max_size=40))),
    ):
        if moment is not None:
            assert Moment.parse(moment.iso, str(moment.precision)).iso == moment.iso
            assert 1826 <= moment.clock.year <= 2099 and moment.clock < moment.end


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@EXIF
def test_much_exif(block: bytes, carrier: int) -> None:
    check_exif(block, carrier)


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@XMP
def test_much_xmp(packet: bytes, carrier: int) -> None:
    check_xmp(packet, carrier)


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@IPTC
def test_much_iptc(records: bytes, carrier: int) -> None:
    check_iptc(records, carrier)


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@TREES
def test_much_nested_xmp(trees: list[str], carrier: int) -> None:
    check_xmp(packet_of("".join(trees)), carrier)


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@PNG_TEXTS
def test_many_png_texts(kind: bytes, keyword: bytes, between: bytes, text: bytes, packed: bool) -> None:
    check_png_text(kind, keyword, between, text, packed)


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@BYTES
def test_many_bytes(magic: bytes, content: bytes, ending: str) -> None:
    metadata_of(magic + content, ending)


@pytest.mark.long
@pytest.mark.timeout(1800)
@LONG
@MUTATIONS
def test_many_damaged_files(name: str, damage: Damage, seed: int) -> None:
    check_mutation(name, damage, seed)
