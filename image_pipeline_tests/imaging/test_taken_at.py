"""The time at which a photograph was taken: every source, in order, as precise as it is known."""

from pathlib import Path

import pytest
from PIL.PngImagePlugin import PngInfo

from image_pipeline.imaging.metadata import read_metadata
from image_pipeline_tests.support.scenes import encoded, scene, write
from image_pipeline_tests.support.tagged import exif_block, gif_with_xmp, iptc_block, jpeg, packet

ORIGINAL, DIGITIZED, CHANGED = 0x9003, 0x9004, 0x0132
OFFSET, OFFSET_ORIGINAL, OFFSET_DIGITIZED = 0x9010, 0x9011, 0x9012
CLOCK, ISO = "2021:02:03 04:05:06", "2021-02-03T04:05:06"


def taken(directory: Path, content: bytes, name: str = "a.jpg") -> tuple[str | None, str | None, str | None]:
    metadata = read_metadata(write(directory, name, content))
    return metadata.taken_at, metadata.taken_precision, metadata.taken_from


@pytest.mark.parametrize(
    ("written", "at", "precision"),
    [
        ("1993:00:00 12:00:00", "1993-01-01", "year"),
        ("1993:07:00 00:00:00", "1993-07-01", "month"),
        ("1993:07:04   :  :  ", "1993-07-04", "day"),
        ("1993:  :     :  :  ", "1993-01-01", "year"),
        ("1993:07:04", "1993-07-04", "day"),
        ("2016:12:31 23:59:  ", "2016-12-31T23:59:00", "minute"),
        ("2016:12:31 23:59:60", "2016-12-31T23:59:00", "minute"),
        ("2016:12:31 23:59", "2016-12-31T23:59:00", "minute"),
        ("2019:01:01 24:04:20", "2019-01-01T00:04:20", "second"),
        ("2019:01:01 25:04:20", None, None),
        ("2019:02:30 12:00:00", None, None),
        ("1825:01:01 12:00:00", None, None),
    ],
)
def test_the_known_part_of_an_exif_date_is_kept(
    tmp_path: Path, written: str, at: str | None, precision: str | None
) -> None:
    content = jpeg(exif_block(photo={ORIGINAL: written}))
    assert taken(tmp_path, content) == (at, precision, "original" if at else None)


@pytest.mark.parametrize(
    ("written", "at", "precision"),
    [
        ("1993", "1993-01-01", "year"),
        ("1993-07", "1993-07-01", "month"),
        ("1993-07-04", "1993-07-04", "day"),
        ("1993-07-04T05:06", "1993-07-04T05:06:00", "minute"),
        ("1993-07-04T05:06-07:00", "1993-07-04T05:06:00-07:00", "minute"),
        ("1993-07-04T05:06:07.5Z", "1993-07-04T05:06:07.5Z", "second"),
        ("19930704T050607", "1993-07-04T05:06:07", "second"),
    ],
)
def test_the_known_part_of_an_xmp_date_is_kept(tmp_path: Path, written: str, at: str, precision: str) -> None:
    content = jpeg(xmp=packet(photoshop_DateCreated=written))
    assert taken(tmp_path, content) == (at, precision, "original")


@pytest.mark.parametrize(
    ("day", "time", "at", "precision"),
    [
        ("19650000", None, "1965-01-01", "year"),
        ("19650700", "000000", "1965-07-01", "month"),
        ("20231029", None, "2023-10-29", "day"),
        ("2023-10-29", "12:13:14", "2023-10-29T12:13:14", "second"),
        ("2023-10-29", "121314+0200", "2023-10-29T12:13:14+02:00", "second"),
        ("2023:10:29", "12:13:14-05:00", "2023-10-29T12:13:14-05:00", "second"),
        ("20231029", "99", "2023-10-29", "day"),
        ("20231029", "996060", "2023-10-29", "day"),
    ],
)
def test_iptc_dates(tmp_path: Path, day: str, time: str | None, at: str, precision: str) -> None:
    records = iptc_block(n55=day) if time is None else iptc_block(n55=day, n60=time)
    assert taken(tmp_path, jpeg(iptc=records)) == (at, precision, "original")


@pytest.mark.parametrize(
    ("base", "photo", "at"),
    [
        ({}, {ORIGINAL: CLOCK, OFFSET_ORIGINAL: "+02:00"}, ISO + "+02:00"),
        ({CHANGED: CLOCK}, {ORIGINAL: CLOCK, OFFSET: "+02:00"}, ISO + "+02:00"),
        ({}, {ORIGINAL: CLOCK, OFFSET: "+02:00"}, ISO + "+02:00"),
        ({}, {ORIGINAL: CLOCK, DIGITIZED: CLOCK, OFFSET_DIGITIZED: "-03:30"}, ISO + "-03:30"),
        ({CHANGED: "2022:02:02 02:02:02"}, {ORIGINAL: CLOCK, OFFSET: "+02:00"}, ISO),
        ({}, {ORIGINAL: CLOCK, OFFSET_ORIGINAL: "+25:00"}, ISO),
        ({}, {ORIGINAL: CLOCK, OFFSET_ORIGINAL: "   :  "}, ISO),
        ({}, {ORIGINAL: "2021:02:00 00:00:00", OFFSET_ORIGINAL: "+02:00"}, "2021-02-01"),
    ],
    ids=["own", "of the change", "alone", "digitized", "of a later change", "absurd", "blank", "partial date"],
)
def test_an_offset_of_the_same_clock_is_kept(
    tmp_path: Path, base: dict[int, str], photo: dict[int, str], at: str
) -> None:
    assert taken(tmp_path, jpeg(exif_block(base, photo)))[0] == at


@pytest.mark.parametrize(
    ("attributes", "at"),
    [
        ({"exif_DateTimeOriginal": ISO + "-05:00"}, ISO + "-05:00"),
        ({"xmp_CreateDate": ISO + ".25-05:00"}, ISO + "-05:00"),
        ({"exifEX_OffsetTimeOriginal": "+09:00"}, ISO + "+09:00"),
        ({"exif_DateTimeOriginal": "2021-02-03T04:05:07-05:00"}, ISO),
        ({"exif_DateTimeOriginal": ISO + "Z"}, ISO),
    ],
    ids=["original", "created", "tag", "another clock", "a Z is added by programs"],
)
def test_an_offset_in_xmp_alone_is_kept(tmp_path: Path, attributes: dict[str, str], at: str) -> None:
    content = jpeg(exif_block(photo={ORIGINAL: CLOCK}), packet(**attributes))
    assert taken(tmp_path, content) == (at, "second", "original")


def test_an_offset_in_iptc_is_not_that_of_an_exif_date(tmp_path: Path) -> None:
    """IPTC must have an offset: Photoshop writes that of the computer, or zero."""
    content = jpeg(exif_block(photo={ORIGINAL: CLOCK}), iptc=iptc_block(n55="20210203", n60="040506+0000"))
    assert taken(tmp_path, content) == (ISO, "second", "original")


GPS = {7: (10.0, 11.0, 12.0), 29: "2020:05:06"}


def test_the_original_comes_before_the_scan_and_the_rest(tmp_path: Path) -> None:
    """Each source is used if all better ones are missing."""
    base, photo = {CHANGED: "2022:01:01 00:00:00"}, {DIGITIZED: "2021:03:03 10:00:00"}
    original = packet(photoshop_DateCreated="1962-08-15", xmp_CreateDate="2021-03-03T10:00:00")
    assert taken(tmp_path, jpeg(exif_block(base, photo, GPS), original)) == ("1962-08-15", "day", "original")
    iptc = iptc_block(n55="19620815")
    assert taken(tmp_path, jpeg(exif_block(base, photo, GPS), iptc=iptc)) == ("1962-08-15", "day", "original")
    scan = ("2021-03-03T10:00:00", "second", "digitized")
    assert taken(tmp_path, jpeg(exif_block(base, photo, GPS))) == scan
    assert taken(tmp_path, jpeg(exif_block(base, gps=GPS), packet(xmp_CreateDate="2021-03-03T10:00:00"))) == scan
    gps = ("2020-05-06T10:11:12Z", "second", "gps")
    assert taken(tmp_path, jpeg(exif_block(base, gps=GPS))) == gps
    assert taken(tmp_path, jpeg(exif_block(base), packet(exif_GPSTimeStamp="2020-05-06T10:11:12"))) == gps
    assert taken(tmp_path, jpeg(exif_block(base))) == ("2022-01-01T00:00:00", "second", "changed")
    assert taken(tmp_path, jpeg()) == (None, None, None)


def test_another_date_of_the_original_adds_what_is_unknown(tmp_path: Path) -> None:
    content = jpeg(xmp=packet(photoshop_DateCreated="1962"), iptc=iptc_block(n55="19620815", n60="101112"))
    assert taken(tmp_path, content) == ("1962-08-15T10:11:12", "second", "original")
    content = jpeg(xmp=packet(photoshop_DateCreated="1962"), iptc=iptc_block(n55="19630815"))
    assert taken(tmp_path, content) == ("1962-01-01", "year", "original"), "they contradict each other"


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2021-03-04T05:06:07+01:00", "2021-03-04T05:06:07+01:00"),
        ("2021:03:04 05:06:07", "2021-03-04T05:06:07"),
        ("Thu, 04 Mar 2021 05:06:07 GMT", "2021-03-04T05:06:07Z"),
        ("Thu, 04 Mar 2021 05:06:07 +0100", "2021-03-04T05:06:07+01:00"),
        ("Thu, 04 Mar 1021 05:06:07 +0100", None),
        ("Thu, 04 Mar 2021 05:06:07 +9900", None),
        ("some day", None),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_the_creation_time_of_a_png(tmp_path: Path, written: str, at: str | None, packed: bool) -> None:
    info = PngInfo()
    info.add_text("Creation Time", written, zip=packed)
    content = encoded(scene(), "PNG", pnginfo=info)
    assert taken(tmp_path, content, "a.png") == (at, "second" if at else None, "png_text" if at else None)


def test_xmp_in_a_gif(tmp_path: Path) -> None:
    body = "<dc:subject><rdf:Bag><rdf:li>gif-kw</rdf:li></rdf:Bag></dc:subject>"
    content = gif_with_xmp(packet(body, exif_DateTimeOriginal="2022-02-02T02:02:02"))
    assert taken(tmp_path, content, "a.gif") == ("2022-02-02T02:02:02", "second", "original")
    assert read_metadata(tmp_path / "a.gif").keywords == ("gif-kw",)
    for end in range(20, len(content), 97):
        read_metadata(write(tmp_path, "cut.gif", content[:end]))
    assert read_metadata(write(tmp_path, "plain.gif", encoded(scene().quantize(16), "GIF"))).keywords == ()
