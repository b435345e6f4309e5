"""Photographs that programs often get wrong are right in the collection: one of each kind, all ingested together."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from image_pipeline.schema.outcome import Reason
from image_pipeline.storage.store import Store
from image_pipeline_tests.imaging.test_tiff_file import thumbnail_first
from image_pipeline_tests.support.dng_jpeg_xl import dng as dng_as_jpeg_xl
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.photoshop import photoshop
from image_pipeline_tests.support.scenes import difference, encoded, scene
from image_pipeline_tests.support.specimens import png_chunk, specimens
from image_pipeline_tests.support.tagged import (
    bag,
    exif_block,
    gif_with_xmp,
    iptc_block,
    jpeg,
    jpeg_xl,
    packet,
    signed_gps,
)
from image_pipeline_tests.support.wide_colours import BT_2020, ENCODERS, P3, PQ, SRGB

Payload = dict[str, Any]

PLAIN = jpeg()
ORIGINAL = 0x9003
ZERO = ((0, 0),)
SIZE: Payload = {"width": 96, "height": 64}


def _taken(at: str, source: str = "original", precision: str = "second", **further: str) -> Payload:
    return {"taken_at": at, "taken_from": source, "taken_precision": precision, **further}


def _exif(at: str, **blocks: Any) -> bytes:
    return jpeg(exif_block(photo={ORIGINAL: at}), **blocks)


def _png_with_texts() -> bytes:
    content = encoded(scene(), "PNG")
    texts = {b"Creation Time": b"2021:03:04 05:06:07", b"Title": b"Evening", b"Description": b"By the sea"}
    at = content.index(b"IDAT") - 4
    chunks = b"".join(png_chunk(b"tEXt", keyword + b"\0" + text) for keyword, text in texts.items())
    return content[:at] + chunks + content[at:]


_REGION = '<mwg-rs:RegionList><rdf:Bag><rdf:li mwg-rs:Name="Ann" mwg-rs:Type="Face"/></rdf:Bag></mwg-rs:RegionList>'
_PANTRY = (
    "<xmpMM:Pantry><rdf:Bag><rdf:li><rdf:Description xmp:CreateDate='2009-09-09'><dc:title><rdf:Alt>"
    "<rdf:li xml:lang='x-default'>ingredient</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:li></rdf:Bag>"
    "</xmpMM:Pantry>"
)
_PARTIAL = {"taken_local": "1993-07-01T00:00:00", "taken_local_end": "1993-08-01T00:00:00"}
_PATH = ["Cat", "Nature/Animals/Cat"]

PHOTOGRAPHS: dict[str, tuple[bytes, Payload]] = {
    "written by the camera.jpg": (jpeg(exif_block({0x010E: "OLYMPUS DIGITAL CAMERA         "})), {"description": None}),
    "padded name.jpg": (
        jpeg(exif_block({0x010F: "NIKON CORPORATION", 0x0110: "NIKON D850\0 \0"})),
        {"camera_make": "NIKON CORPORATION", "camera_model": "NIKON D850"},
    ),
    "morning in Tokyo.jpg": (
        jpeg(exif_block(photo={ORIGINAL: "2025:09:11 08:59:00", 0x9011: "+09:00"})),
        _taken("2025-09-11T08:59:00+09:00", taken_local="2025-09-11T08:59:00"),
    ),
    "IMG-20220103-WA0007.jpg": (PLAIN, _taken("2022-01-03", "name", "day")),
    "2011-07-19 11.36.39.jpg": (PLAIN, _taken("2011-07-19T11:36:39", "name")),
    "WhatsApp Image 2026-08-31 at 15.41.14.jpeg": (PLAIN, _taken("2026-08-31T15:41:14", "name")),
    "hour 24.jpg": (_exif("2019:01:01 24:04:20"), _taken("2019-01-01T00:04:20")),
    "a.jxl": (jpeg_xl(), SIZE),
    "a.ppm": (encoded(scene(), "PPM"), SIZE),
    "a.psd": (photoshop(scene()), SIZE),
    "negative rational.jpg": (
        jpeg(signed_gps(((-37969722, 1000000),), ((145, 1), (17, 1), (20, 1)), "SE")),
        {"place": {"lat": -37.969722, "lon": 145.2888889}, "country": "Australia", "derived": ["city", "country"]},
    ),
    "seconds of zero by zero.jpg": (
        jpeg(signed_gps(((48, 1), (8, 1), *ZERO), ((11, 1), (34, 1), *ZERO), "NE")),
        {"place": {"lat": 48.1333333, "lon": 11.5666667}, "city": "Munich", "country": "Germany"},
    ),
    "signed decimals in XMP.jpg": (
        jpeg(xmp=packet(exif_GPSLatitude="45.523", exif_GPSLongitude="-122.676")),
        {"place": {"lat": 45.523, "lon": -122.676}, "city": "Portland", "country": "United States"},
    ),
    "decimals and references in XMP.jpg": (
        jpeg(xmp=packet(exif_GPSLatitude="45.523", exif_GPSLongitude="122.676", exif_GPSLongitudeRef="W")),
        {"place": {"lat": 45.523, "lon": -122.676}, "city": "Portland", "country": "United States"},
    ),
    "Lightroom keywords.jpg": (
        jpeg(xmp=packet(bag("lr:hierarchicalSubject", "Nature|Animals|Cat"))),
        {"keywords": _PATH},
    ),
    "digiKam keywords.jpg": (jpeg(xmp=packet(bag("digiKam:TagsList", "Nature/Animals/Cat"))), {"keywords": _PATH}),
    "Windows keywords.jpg": (
        jpeg(xmp=packet(bag("MicrosoftPhoto:LastKeywordXMP", "Nature/Animals/Cat"))),
        {"keywords": _PATH},
    ),
    "IPTC date with dashes.jpg": (
        jpeg(iptc=iptc_block(n55="2023-10-29", n60="12:13:14")),
        _taken("2023-10-29T12:13:14"),
    ),
    "no end marker.jpg": (PLAIN[:-2], {**SIZE, "damaged": None}),
    "no end marker before a trailer.jpg": (PLAIN[:-2] + bytes(5000), {**SIZE, "damaged": None}),
    "nested XMP.jpg": (jpeg(xmp=packet(_PANTRY)), {"title": None, "taken_at": None}),
    "offset of the change.jpg": (
        jpeg(exif_block({0x0132: "2021:02:03 04:05:06"}, {ORIGINAL: "2021:02:03 04:05:06", 0x9010: "+02:00"})),
        _taken("2021-02-03T04:05:06+02:00"),
    ),
    "offset in XMP.jpg": (
        _exif("2005:12:25 21:52:48", xmp=packet(exif_DateTimeOriginal="2005-12-25T21:52:48-05:00")),
        _taken("2005-12-25T21:52:48-05:00"),
    ),
    "only a year.jpg": (_exif("1993:00:00 12:00:00"), _taken("1993-01-01", precision="year")),
    "only a month.jpg": (_exif("1993:07:00 00:00:00"), _taken("1993-07-01", precision="month", **_PARTIAL)),
    "only a month in XMP.jpg": (
        jpeg(xmp=packet(photoshop_DateCreated="1993-07")),
        _taken("1993-07-01", precision="month", **_PARTIAL),
    ),
    "only a year in IPTC.jpg": (jpeg(iptc=iptc_block(n55="19650000")), _taken("1965-01-01", precision="year")),
    "blank seconds.jpg": (_exif("2016:12:31 23:59:  "), _taken("2016-12-31T23:59:00", precision="minute")),
    "face region.jpg": (
        jpeg(xmp=packet(f'<mwg-rs:Regions rdf:parseType="Resource">{_REGION}</mwg-rs:Regions>')),
        {"people": ["Ann"]},
    ),
    "person.jpg": (jpeg(xmp=packet(bag("Iptc4xmpExt:PersonInImage", "Ann"))), {"people": ["Ann"]}),
    "a JPEG.dng": (PLAIN, {**SIZE, "decode_path": "full"}),
    "a PNG.nef": (encoded(scene(), "PNG"), {**SIZE, "decode_path": "full"}),
    "texts.png": (
        _png_with_texts(),
        {**_taken("2021-03-04T05:06:07", "png_text"), "title": "Evening", "description": "By the sea"},
    ),
    "XMP.gif": (
        gif_with_xmp(packet(bag("dc:subject", "boat"), exif_DateTimeOriginal="2022-02-02T02:02:02")),
        {**_taken("2022-02-02T02:02:02"), "keywords": ["boat"]},
    ),
    "scan.jpg": (
        jpeg(exif_block(photo={0x9004: "2021:03:03 10:00:00"}), packet(photoshop_DateCreated="1962-08-15")),
        _taken("1962-08-15", precision="day"),
    ),
    "Japanese.jpg": (jpeg(exif_block({0x010E: "東京タワー".encode("cp932")})), {"description": "東京タワー"}),
    "Macintosh.jpg": (jpeg(iptc=iptc_block(n25="Zürich".encode("mac_roman"))), {"keywords": ["Zürich"]}),
    "comment.jpg": (
        jpeg(exif_block(photo={0x9286: b"ASCII\0\0\0Grandma at the lake"})),
        {"description": "Grandma at the lake"},
    ),
    "thumbnail first.tif": (thumbnail_first(), SIZE),
    "12 bits.jpg": (specimens()["deep.jpg"], {"damaged": None}),
    "JPEG XL.dng": (dng_as_jpeg_xl(), {"width": 480, "height": 320, "camera_make": "Testmaker"}),
    "JPEG XL.tif": (specimens()["xl.tif"], {"damaged": None}),
    "float.tif": (specimens()["deflated_float.tif"], {"damaged": None}),
}
"""For each file, its content, and what its point has to say: None for a field that it must not have."""

WIDE_COLOURS = {"pq.png": ("png", BT_2020, PQ), "pq.avif": ("avif", BT_2020, PQ), "p3.heic": ("heic", P3, SRGB)}
BACKUPS = ("photo.jpg_original", "photo.jpg~")
UNSUPPORTED = {"a.xcf": (b"gimp xcf v011\0".ljust(4000, b"\1"), "the format GIMP (XCF) is not supported")}


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The pipeline over all files above, ingested."""
    pipeline = Pipeline.below(tmp_path_factory.mktemp("difficult"))
    contents = {name: content for name, (content, _) in PHOTOGRAPHS.items()}
    contents |= {name: ENCODERS[kind](scene(), *colours) for name, (kind, *colours) in WIDE_COLOURS.items()}
    contents |= {name: content for name, (content, _) in UNSUPPORTED.items()} | dict.fromkeys(BACKUPS, PLAIN)
    contents |= {"orig.jpg": PLAIN, "tagged.jpg": jpeg(xmp=packet(bag("dc:subject", "boat")))}
    for name, content in contents.items():
        (pipeline.root / name).write_bytes(content)
    pipeline.ingest()
    return pipeline


@pytest.fixture(scope="module")
def points(pipeline: Pipeline) -> dict[str, Payload]:
    return pipeline.points()


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_its_point_is_right(points: dict[str, Payload], name: str) -> None:
    _, expected = PHOTOGRAPHS[name]
    point = points[name]
    assert {field: point.get(field) for field in expected} == expected


@pytest.mark.parametrize("name", WIDE_COLOURS)
def test_its_thumbnail_has_the_colours_of_the_same_picture_in_srgb(
    pipeline: Pipeline, points: dict[str, Payload], name: str
) -> None:
    store = Store(pipeline.settings.home)
    files = [store.thumbnail_file(points[one]["sha256"]) for one in (name, "a PNG.nef")]
    found, expected = (np.asarray(Image.open(file).convert("RGB")) for file in files)
    assert difference(found, expected) < 3


def test_a_retagged_copy_is_the_same_picture(points: dict[str, Payload]) -> None:
    original, tagged = points["orig.jpg"], points["tagged.jpg"]
    assert original["pixels"] == tagged["pixels"] and original["sha256"] != tagged["sha256"]
    assert (original["keywords"], tagged["keywords"]) == ([], ["boat"])


def test_what_has_no_point_is_a_backup_or_in_quarantine(pipeline: Pipeline, points: dict[str, Payload]) -> None:
    written = {path.name for path in pipeline.root.iterdir()}
    assert written - points.keys() == {*BACKUPS, *UNSUPPORTED}
    quarantine = {file.path: (file.reason, file.message) for file in pipeline.quarantine()}
    assert quarantine == {name: (Reason.UNSUPPORTED, message) for name, (_, message) in UNSUPPORTED.items()}
