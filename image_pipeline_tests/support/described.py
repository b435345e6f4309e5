"""Photographs with metadata of every kind that is read, in every format that has metadata."""

import struct

from PIL.PngImagePlugin import PngInfo

from image_pipeline_tests.imaging.test_metadata import FORMATS, WORDS, camera_exif
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.photoshop import photoshop, resource
from image_pipeline_tests.support.raw_skeletons import skeletons
from image_pipeline_tests.support.scenes import encoded, exif, scene
from image_pipeline_tests.support.tagged import (
    bag,
    cr3,
    exif_block,
    gif_with_xmp,
    iptc_block,
    jpeg,
    jpeg_2000,
    jpeg_xl,
    packet,
    raf,
    signed_gps,
    with_profiles,
)

_CLOCK = "2021:02:03 04:05:06"
_IPTC = iptc_block(n5="Harbour", n25=["boat"], n55="19990703")
_HIERARCHY = bag("lr:hierarchicalSubject", "Nature|Animals|Cat")


def described() -> dict[str, bytes]:
    """The contents of the files, by name."""
    return {**_of_every_format(), **_raws(), **_dates(), **_places(), **_words(), **_exposures()}


def _of_every_format() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for image_format, ending in FORMATS.items():
        block = camera_exif()
        found[f"camera{ending}"] = encoded(scene(), image_format, exif=block).replace(b"H??gel", "Hügel".encode())
        if image_format not in ("PNG", "TIFF"):
            found[f"words{ending}"] = encoded(scene(), image_format, xmp=WORDS)
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", WORDS.decode())
    found["words.png"] = encoded(scene(), "PNG", pnginfo=info)
    found["words.tif"] = encoded(scene(), "TIFF", tiffinfo={700: WORDS})
    words = struct.pack("<HHL", 700, 1, len(WORDS))
    assert found["words.tif"].count(words) == 1
    found["undefined.tif"] = found["words.tif"].replace(words, struct.pack("<HHL", 700, 7, len(WORDS)))
    found["both.jpg"] = jpeg(camera_exif(), WORDS, _IPTC)
    block = camera_exif().removeprefix(b"Exif\0\0")
    for name, is_large in (("all.psd", False), ("all.psb", True)):
        found[name] = photoshop(scene(), large=is_large, resources={1028: _IPTC, 1058: block, 1060: WORDS})
    found["all.jxl"] = jpeg_xl((b"Exif", bytes(4) + block), (b"xml ", WORDS))
    found["all.jp2"] = jpeg_2000(camera_exif(), WORDS)
    found["profiles.png"] = with_profiles(scene(), exif=camera_exif(), xmp=WORDS, iptc=resource(1028, _IPTC))
    found["iptc.png"] = with_profiles(scene(), iptc=_IPTC)
    found["xmp.gif"] = gif_with_xmp(packet(bag("dc:subject", "gif"), exif_DateTimeOriginal="2022-02-02T02:02:02"))
    info = PngInfo()
    info.add_text("Creation Time", "2021:03:04 05:06:07")
    info.add_text("Title", "Evening")
    info.add_text("Description", "By the sea")
    found["texts.png"] = encoded(scene(), "PNG", pnginfo=info)
    return found


def _raws() -> dict[str, bytes]:
    canon = cr3(exif(t271="Canon", t272="EOS T"), exif(t34855=800))
    built = {f"{name}.raw": content for name, content in skeletons().items() if "LibRaw" not in name}
    return {
        "raw.dng": dng(scene(480, 320), encoded(scene(240, 160), "JPEG")),
        "canon.cr3": canon,
        "fuji.raf": raf(jpeg(camera_exif(), WORDS)),
        **built,
    }


def _dates() -> dict[str, bytes]:
    tags = {
        "year": {0x9003: "1993:00:00 00:00:00"},
        "month": {0x9003: "1993:07:00 00:00:00"},
        "minute": {0x9003: "2016:12:31 23:59:  "},
        "hour-24": {0x9003: "2019:01:01 24:04:20"},
        "second-70": {0x9003: "2017:08:21 15:08:70"},
        "zeros": {0x9003: "0000:00:00 00:00:00", 0x9004: _CLOCK},
        "offset": {0x9003: _CLOCK, 0x9011: "+02:00"},
        "offset-of-change": {0x9003: _CLOCK, 0x9010: "+02:00"},
        "digitized": {0x9004: _CLOCK},
    }
    original, zone = exif_block(photo={0x9003: _CLOCK}), "2021-02-03T04:05:06-05:00"
    return {
        **{f"{name}.jpg": jpeg(exif_block(photo=photo)) for name, photo in tags.items()},
        "changed.jpg": jpeg(exif_block({0x0132: _CLOCK})),
        "scan.jpg": jpeg(exif_block(photo={0x9004: _CLOCK}), packet(photoshop_DateCreated="1962-08-15")),
        "xmp-offset.jpg": jpeg(original, packet(exif_DateTimeOriginal=zone)),
        "xmp-year.jpg": jpeg(xmp=packet(photoshop_DateCreated="1993")),
        "xmp-digitized.jpg": jpeg(xmp=packet(exif_DateTimeDigitized=zone)),
        "xmp-created.jpg": jpeg(xmp=packet(xmp_CreateDate=zone)),
        "iptc.jpg": jpeg(iptc=iptc_block(n55="20231029", n60="121314+0100", n90="Roma", n95="Lazio", n101="Italia")),
        "iptc-digitized.jpg": jpeg(iptc=iptc_block(n62="20231029", n63="121314+0100")),
        "iptc-year.jpg": jpeg(iptc=iptc_block(n55="19650000")),
        "iptc-dashes.jpg": jpeg(iptc=iptc_block(n55="2023-10-29", n60="12:13:14")),
    }


def _places() -> dict[str, bytes]:
    position = {1: "S", 2: (33.0, 51.0, 31.32), 3: "E", 4: (151.0, 12.0, 51.12)}
    zero = ((0, 0),)
    in_xmp = {
        "xmp-place": {"exif_GPSLatitude": "45,31.38N", "exif_GPSLongitude": "122,40.56W"},
        "xmp-sign": {"exif_GPSLatitude": "45.523", "exif_GPSLongitude": "-122.676"},
        "xmp-decimal": {"exif_GPSLatitude": "45.523", "exif_GPSLongitude": "122.676", "exif_GPSLongitudeRef": "W"},
        "xmp-seconds": {"exif_GPSLatitude": "45,31,22.8N", "exif_GPSLongitude": "122,40,33.6W"},
        "city": {"photoshop_City": "Roma", "photoshop_State": "Lazio", "photoshop_Country": "Italia"},
    }
    height = {"exif_GPSAltitude": "1250/10", "exif_GPSAltitudeRef": "1"}
    return {
        "gps.jpg": jpeg(exif_block(gps={**position, 7: (10.0, 11.0, 12.0), 29: "2020:05:06"})),
        "negative.jpg": jpeg(signed_gps(((-38025312, 1000000),), ((145, 1), (17, 1), (20, 1)), "NE")),
        "zero-by-zero.jpg": jpeg(signed_gps(((48, 1), (8, 1), *zero), ((11, 1), (34, 1), *zero), "NE")),
        **{f"{name}.jpg": jpeg(xmp=packet(**values)) for name, values in in_xmp.items()},
        "xmp-altitude.jpg": jpeg(xmp=packet(**in_xmp["xmp-place"], **height)),
    }


def _words() -> dict[str, bytes]:
    region = '<rdf:li mwg-rs:Name="Ann" mwg-rs:Type="Face"/>'
    regions = f"<mwg-rs:RegionList><rdf:Bag>{region}</rdf:Bag></mwg-rs:RegionList>"
    microsoft = '<rdf:li MPReg:PersonDisplayName="Ann"/>'
    microsoft = f"<MPRI:Regions><rdf:Bag>{microsoft}</rdf:Bag></MPRI:Regions>"
    nested = "<rdf:li><rdf:Description dc:title='no' xmp:CreateDate='2009-09-09'/></rdf:li>"
    kind = 'rdf:parseType="Resource"'
    in_xmp = {
        "hierarchy": packet(_HIERARCHY),
        "paths": packet(bag("digiKam:TagsList", "Nature/Animals/Cat", kind="Seq")),
        "microsoft": packet(bag("MicrosoftPhoto:LastKeywordXMP", "Nature/Cat")),
        "persons": packet(bag("Iptc4xmpExt:PersonInImage", "Ann", "Bob")),
        "face": packet(f"<mwg-rs:Regions {kind}>{regions}</mwg-rs:Regions>"),
        "region": packet(f"<MP:RegionInfo {kind}>{microsoft}</MP:RegionInfo>"),
        "rejected": packet(xmp_Rating="-1"),
        "unrated": packet(xmp_Rating="0"),
        "pantry": packet(f"<xmpMM:Pantry><rdf:Bag>{nested}</rdf:Bag></xmpMM:Pantry>"),
    }
    windows = {0x9C9B: "Harbour", 0x9C9C: "By the sea", 0x9C9E: "boat;pier"}
    return {
        **{f"{name}.jpg": jpeg(xmp=xmp) for name, xmp in in_xmp.items()},
        "iptc-words.jpg": jpeg(iptc=iptc_block(n5="Title", n25=["one", "two"], n120="Words")),
        "keywords.jpg": jpeg(xmp=packet(bag("dc:subject", "Cat", "Dog")), iptc=iptc_block(n25=["Cat", "cats"])),
        "windows.jpg": jpeg(exif(**{f"t{tag}": f"{text}\0".encode("utf-16-le") for tag, text in windows.items()})),
        "comment.jpg": jpeg(exif_block(photo={0x9286: b"ASCII\0\0\0Grandma at the lake"})),
        "unicode.jpg": jpeg(exif_block(photo={0x9286: b"UNICODE\0" + "Großmutter".encode("utf-16-be")})),
        "default.jpg": jpeg(exif_block({0x010E: "OLYMPUS DIGITAL CAMERA"})),
        "japanese.jpg": jpeg(exif_block({0x010E: "東京タワー".encode("cp932")})),
    }


def _exposures() -> dict[str, bytes]:
    camera = {"tiff_Make": "Testmaker", "tiff_Model": "Model 7", "aux_Lens": "50mm f/1.8"}
    numbers = {"exif_ExposureTime": "1/250", "exif_FNumber": "28/10", "exif_FocalLength": "50/1"}
    speeds = bag("exif:ISOSpeedRatings", "400", kind="Seq")
    newer = {"exifEX_PhotographicSensitivity": "800", "exifEX_LensModel": "85mm f/2", "exif_ExposureTime": "0.5"}
    absurd = {"exif_ExposureTime": "1/0", "exif_FNumber": "0/1", "exif_FocalLength": "f", "aux_Lens": ""}
    return {
        "xmp-exposure.jpg": jpeg(xmp=packet(speeds, **camera, **numbers)),
        "xmp-newer.jpg": jpeg(xmp=packet(**newer)),
        "xmp-absurd.jpg": jpeg(xmp=packet(bag("exif:ISOSpeedRatings", "0", kind="Seq"), **absurd)),
        "first-directory.jpg": jpeg(exif_block({0x829A: 1 / 60, 0x829D: 4.0, 0x8827: 200, 0xA434: "50mm f/1.8"})),
        "exif-and-xmp.jpg": jpeg(exif_block(photo={0x829A: 1 / 60, 0x829D: 4.0}), packet(speeds, **numbers)),
    }
