"""Metadata agree with ExifTool, but for the differences that are listed here, each with its reason."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL.PngImagePlugin import PngInfo

from image_pipeline.imaging.metadata import read_metadata
from image_pipeline_tests.imaging.test_metadata import FORMATS, WORDS, camera_exif
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.scenes import encoded, scene, write
from image_pipeline_tests.support.tagged import bag, exif_block, gif_with_xmp, iptc_block, jpeg, packet, signed_gps

CLOCK = "2021:02:03 04:05:06"
DIFFERENCES = {
    ("year.jpg", "taken_at"): "the known part alone is kept; ExifTool prints the zeros",
    ("month.jpg", "taken_at"): "the known part alone is kept; ExifTool prints the zeros",
    ("iptc-year.jpg", "taken_at"): "the known part alone is kept; ExifTool prints the zeros",
    ("hour-24.jpg", "taken_at"): "24:04:20 is what some phones write at 00:04:20; ExifTool prints it as it is",
    ("minute.jpg", "taken_at"): "the unknown second is 00, with the precision beside it; ExifTool leaves it out",
    ("xmp-offset.jpg", "taken_at"): "the offset that XMP gives for the same clock is added",
    ("offset-of-change.jpg", "taken_at"): "the offset that is written for DateTime belongs to the same clock",
    ("negative.jpg", "place"): "a negative latitude is south although the reference says N",
    ("zero-by-zero.jpg", "place"): "0/0 seconds are unknown, and degrees and minutes are kept; ExifTool drops all",
    ("xmp-decimal.jpg", "place"): "a longitude without a sign is in the west if the reference beside it says W",
    ("default.jpg", "description"): "a camera wrote it",
}
"""Files and fields whose value is another one than ExifTool's, and why."""


@pytest.fixture(scope="module")
def exiftool() -> str:
    found = shutil.which("exiftool")
    if found is None:
        message = "ExifTool is not installed (apt install libimage-exiftool-perl)"
        if os.environ.get("IMAGE_PIPELINE_TESTS_NEED_EXIFTOOL"):
            pytest.fail(message)
        pytest.skip(message)
    return found


def samples() -> dict[str, bytes]:
    """Files with metadata of every kind, by name."""
    found: dict[str, bytes] = {}
    for image_format, ending in FORMATS.items():
        block = camera_exif()
        found[f"camera{ending}"] = encoded(scene(), image_format, exif=block).replace(b"H??gel", "Hügel".encode())
        if image_format == "PNG":
            info = PngInfo()
            info.add_itxt("XML:com.adobe.xmp", WORDS.decode())
            found["words.png"] = encoded(scene(), "PNG", pnginfo=info)
        elif image_format == "TIFF":
            found["words.tif"] = encoded(scene(), "TIFF", tiffinfo={700: WORDS})
        else:
            found[f"words{ending}"] = encoded(scene(), image_format, xmp=WORDS)
    found["raw.dng"] = dng(scene(480, 320), encoded(scene(240, 160), "JPEG"))
    found["both.jpg"] = jpeg(camera_exif(), WORDS, iptc_block(n5="Harbour", n25=["boat"], n55="19990703"))
    exif = {
        "year": {0x9003: "1993:00:00 00:00:00"},
        "month": {0x9003: "1993:07:00 00:00:00"},
        "minute": {0x9003: "2016:12:31 23:59:  "},
        "hour-24": {0x9003: "2019:01:01 24:04:20"},
        "offset": {0x9003: CLOCK, 0x9011: "+02:00"},
        "offset-of-change": {0x9003: CLOCK, 0x9010: "+02:00"},
        "digitized": {0x9004: CLOCK},
        "comment": {0x9286: b"ASCII\0\0\0Grandma at the lake"},
        "unicode": {0x9286: b"UNICODE\0" + "Großmutter".encode("utf-16-be")},
    }
    found |= {f"{name}.jpg": jpeg(exif_block(photo=tags)) for name, tags in exif.items()}
    found["changed.jpg"] = jpeg(exif_block({0x0132: CLOCK}))
    found["default.jpg"] = jpeg(exif_block({0x010E: "OLYMPUS DIGITAL CAMERA"}))
    found["scan.jpg"] = jpeg(exif_block(photo={0x9004: CLOCK}), packet(photoshop_DateCreated="1962-08-15"))
    found["xmp-offset.jpg"] = jpeg(
        exif_block(photo={0x9003: CLOCK}), packet(exif_DateTimeOriginal="2021-02-03T04:05:06-05:00")
    )
    found["iptc.jpg"] = jpeg(iptc=iptc_block(n55="20231029", n60="121314+0100", n90="Roma", n95="Lazio", n101="Italia"))
    found["iptc-year.jpg"] = jpeg(iptc=iptc_block(n55="19650000"))
    found["iptc-dashes.jpg"] = jpeg(iptc=iptc_block(n55="2023-10-29", n60="12:13:14"))
    found["iptc-words.jpg"] = jpeg(iptc=iptc_block(n5="Title", n25=["one", "two"], n120="Words"))
    position = {1: "S", 2: (33.0, 51.0, 31.32), 3: "E", 4: (151.0, 12.0, 51.12)}
    found["gps.jpg"] = jpeg(exif_block(gps={**position, 7: (10.0, 11.0, 12.0), 29: "2020:05:06"}))
    found["negative.jpg"] = jpeg(signed_gps(((-38025312, 1000000),), ((145, 1), (17, 1), (20, 1)), "NE"))
    zero = ((0, 0),)
    found["zero-by-zero.jpg"] = jpeg(signed_gps(((48, 1), (8, 1), *zero), ((11, 1), (34, 1), *zero), "NE"))
    found["xmp-place.jpg"] = jpeg(xmp=packet(exif_GPSLatitude="45,31.38N", exif_GPSLongitude="122,40.56W"))
    found["xmp-sign.jpg"] = jpeg(xmp=packet(exif_GPSLatitude="45.523", exif_GPSLongitude="-122.676"))
    found["xmp-decimal.jpg"] = jpeg(
        xmp=packet(exif_GPSLatitude="45.523", exif_GPSLongitude="122.676", exif_GPSLongitudeRef="W")
    )
    found["city.jpg"] = jpeg(xmp=packet(photoshop_City="Roma", photoshop_State="Lazio", photoshop_Country="Italia"))
    found["keywords.jpg"] = jpeg(xmp=packet(bag("dc:subject", "Cat", "Dog")), iptc=iptc_block(n25=["Cat", "cats"]))
    found["people.jpg"] = jpeg(xmp=packet(bag("Iptc4xmpExt:PersonInImage", "Ann", "Bob")))
    region = '<rdf:li mwg-rs:Name="Ann" mwg-rs:Type="Face"/>'
    regions = f"<mwg-rs:RegionList><rdf:Bag>{region}</rdf:Bag></mwg-rs:RegionList>"
    found["face.jpg"] = jpeg(xmp=packet(f'<mwg-rs:Regions rdf:parseType="Resource">{regions}</mwg-rs:Regions>'))
    found["xmp.gif"] = gif_with_xmp(packet(bag("dc:subject", "gif"), exif_DateTimeOriginal="2022-02-02T02:02:02"))
    info = PngInfo()
    info.add_text("Creation Time", "2021:03:04 05:06:07")
    info.add_text("Title", "Evening")
    info.add_text("Description", "By the sea")
    found["texts.png"] = encoded(scene(), "PNG", pnginfo=info)
    nested = "<rdf:li><rdf:Description dc:title='no' xmp:CreateDate='2009-09-09'/></rdf:li>"
    found["pantry.jpg"] = jpeg(xmp=packet(f"<xmpMM:Pantry><rdf:Bag>{nested}</rdf:Bag></xmpMM:Pantry>"))
    return found


_DATES = (
    *("Composite:SubSecDateTimeOriginal", "ExifIFD:DateTimeOriginal", "IFD0:DateTimeOriginal"),
    *("XMP-exif:DateTimeOriginal", "XMP-photoshop:DateCreated", "Composite:DateTimeCreated", "IPTC:DateCreated"),
    *("Composite:SubSecCreateDate", "ExifIFD:CreateDate", "XMP-xmp:CreateDate", "Composite:GPSDateTime"),
    *("PNG:CreationTime", "IFD0:ModifyDate"),
)
_TITLES = ("XMP-dc:Title", "IPTC:ObjectName", "PNG:Title")
_DESCRIPTIONS = (
    *("XMP-dc:Description", "IPTC:Caption-Abstract", "IFD0:ImageDescription", "ExifIFD:UserComment", "PNG:Description"),
)


def of_exiftool(tags: Mapping[str, Any]) -> dict[str, Any]:
    """What ExifTool reads (`-j -n -G1`), in the terms of the reader."""

    def first(*names: str) -> Any:
        return next((tags[name] for name in names if name in tags), None)

    def listed(*names: str) -> list[str]:
        values = [tags[name] for name in names if name in tags]
        return list(
            dict.fromkeys(str(one) for value in values for one in (value if isinstance(value, list) else [value]))
        )

    date = first(*_DATES)
    latitude = first("Composite:GPSLatitude", "XMP-exif:GPSLatitude")
    longitude = first("Composite:GPSLongitude", "XMP-exif:GPSLongitude")
    return {
        "taken_at": _iso(str(date)) if date is not None else None,
        "place": None if latitude in (None, "") else (round(latitude, 5), round(longitude, 5)),
        "altitude_m": first("Composite:GPSAltitude"),
        "camera_make": _on_one_line(first("IFD0:Make")),
        "camera_model": _on_one_line(first("IFD0:Model")),
        "lens": first("ExifIFD:LensModel"),
        "iso": first("ExifIFD:ISO"),
        "exposure_s": first("ExifIFD:ExposureTime"),
        "f_number": first("ExifIFD:FNumber"),
        "focal_length_mm": first("ExifIFD:FocalLength"),
        "keywords": listed("XMP-dc:Subject", "IPTC:Keywords"),
        "people": listed("XMP-iptcExt:PersonInImage", "XMP-mwg-rs:RegionName"),
        "rating": first("XMP-xmp:Rating", "IFD0:Rating"),
        "title": first(*_TITLES),
        "description": first(*_DESCRIPTIONS),
        "city": first("XMP-photoshop:City", "IPTC:City"),
        "state": first("XMP-photoshop:State", "IPTC:Province-State"),
        "country": first("XMP-photoshop:Country", "IPTC:Country-PrimaryLocationName"),
    }


def _iso(date: str) -> str:
    day, _, clock = date.replace(" ", "T", 1).partition("T")
    clock = re.sub(r"\.(\d*?)0+(?=\D|$)", lambda match: f".{match[1]}" if match[1] else "", clock)
    return day.replace(":", "-") + (f"T{clock}" if clock else "")


def _on_one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


def ours(path: Path) -> dict[str, Any]:
    metadata = read_metadata(path)
    found = {**vars(metadata), "keywords": list(metadata.keywords), "people": list(metadata.people)}
    latitude, longitude = found.pop("latitude"), found.pop("longitude")
    found["place"] = None if latitude is None else (round(latitude, 5), round(longitude, 5))
    for name in ("width", "height", "orientation", "taken_from", "taken_precision", "keywords_omitted"):
        del found[name]
    return found


def test_the_reader_agrees_with_exiftool(exiftool: str, tmp_path: Path) -> None:
    paths = [write(tmp_path, name, content) for name, content in samples().items()]
    done = subprocess.run([exiftool, "-j", "-n", "-G1", *paths], capture_output=True, check=True, text=True)
    theirs = {Path(tags["SourceFile"]).name: of_exiftool(tags) for tags in json.loads(done.stdout)}
    assert theirs.keys() == samples().keys()
    differing = {
        (path.name, field): (value, theirs[path.name][field])
        for path in paths
        for field, value in ours(path).items()
        if value != theirs[path.name][field]
    }
    assert {key: values for key, values in differing.items() if key not in DIFFERENCES} == {}
    assert differing.keys() == DIFFERENCES.keys(), "a difference that is no more is taken off the list"
