"""The facts in sidecars: XMP, and the JSON of Google Takeout."""

import io
import json

import pytest

from image_pipeline.imaging.sidecar import read_sidecar
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.outcome import ImageError, Reason
from image_pipeline_tests.support.tagged import bag, packet

TAKEOUT = {
    "title": "IMG_20161103_120445.jpg",
    "description": "The harbour",
    "photoTakenTime": {"timestamp": "1478174685", "formatted": "3 Nov 2016, 12:04:45 UTC"},
    "creationTime": {"timestamp": "1500000000"},
    "geoData": {"latitude": 45.5, "longitude": -122.6, "altitude": 12.0},
    "geoDataExif": {"latitude": 1.0, "longitude": 2.0, "altitude": 3.0},
    "people": [{"name": "Ada"}, {"name": " Grace "}, {"name": "Ada"}, {}, 7],
}


def facts(content: bytes) -> ImageMetadata:
    return read_sidecar(io.BytesIO(content)).metadata


def takeout(**changed: object) -> ImageMetadata:
    return facts(json.dumps({**TAKEOUT, **changed}).encode())


def test_xmp_is_read_as_in_a_picture() -> None:
    found = facts(
        packet(
            bag("dc:subject", "harbour", "boats")
            + bag("dc:description", "The old harbour", kind="Alt")
            + bag("Iptc4xmpExt:PersonInImage", "Ada"),
            xmp_Rating="4",
            exif_DateTimeOriginal="2003-05-06T07:08:09",
            exif_GPSLatitude="45,31.38N",
            exif_GPSLongitude="122,40.56W",
        )
    )
    assert found == ImageMetadata(
        taken_at="2003-05-06T07:08:09",
        taken_from="original",
        taken_precision="second",
        latitude=45.523,
        longitude=-122.676,
        description="The old harbour",
        keywords=("harbour", "boats"),
        people=("Ada",),
        rating=4,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xmp_in_any_encoding_that_xml_allows(encoding: str) -> None:
    content = packet(bag("dc:subject", "Müll", "海")).decode()
    assert facts(f"<?xml version='1.0'?>\n{content}\n".encode(encoding)).keywords == ("Müll", "海")


def test_the_photograph_that_a_sidecar_of_adobe_names() -> None:
    assert read_sidecar(io.BytesIO(packet(photoshop_SidecarForExtension="CR2"))).for_ending == "CR2"
    assert read_sidecar(io.BytesIO(packet())).for_ending is None


def test_the_json_of_google_takeout() -> None:
    assert takeout() == ImageMetadata(
        taken_at="2016-11-03T12:04:45Z",
        taken_from="takeout",
        taken_precision="second",
        latitude=45.5,
        longitude=-122.6,
        altitude_m=12.0,
        description="The harbour",
        people=("Ada", "Grace"),
    )


def test_zeros_are_unknown() -> None:
    zeros = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}
    found = takeout(geoData=zeros, photoTakenTime={"timestamp": "0"}, description="")
    assert (found.latitude, found.longitude, found.altitude_m) == (1.0, 2.0, 3.0), "those of the file"
    assert (found.taken_at, found.taken_from, found.description) == (None, None, None)
    assert takeout(geoData=zeros, geoDataExif=zeros).latitude is None
    assert takeout(geoData={**zeros, "latitude": 5.0}).altitude_m is None


@pytest.mark.parametrize("seconds", ["-1000000000", -1000000000, "-1000000000 "])
def test_a_date_before_1970(seconds: object) -> None:
    assert takeout(photoTakenTime={"timestamp": seconds}).taken_at == "1938-04-24T22:13:20Z"


@pytest.mark.parametrize(
    "changed",
    [
        {"photoTakenTime": "2016"},
        {"photoTakenTime": {"timestamp": "9" * 4000}},
        {"photoTakenTime": {"timestamp": [1]}},
        {"photoTakenTime": {"timestamp": True}},
        {"geoData": {"latitude": "45.5", "longitude": True}, "geoDataExif": None},
        {"geoData": {"latitude": 91.0, "longitude": 1e400}, "geoDataExif": [1, 2]},
        {"description": {"a": 1}, "people": "Ada"},
    ],
)
def test_values_of_any_kind_are_left_out(changed: dict[str, object]) -> None:
    found = takeout(**changed)
    for name in changed:
        match name:
            case "photoTakenTime":
                assert found.taken_at is None
            case "geoData":
                assert found.latitude is found.longitude is found.altitude_m is None
            case "people":
                assert found.description is None and found.people == ()


@pytest.mark.parametrize("content", [b"{}", b"[1, 2]", b'{"title": "x", "date": {"timestamp": "1"}}', b'[{"a": 1}]'])
def test_json_of_a_different_kind_says_nothing(content: bytes) -> None:
    assert facts(content).is_empty


@pytest.mark.parametrize(
    ("content", "reason", "message"),
    [
        (b"", Reason.EMPTY, "it is empty"),
        (b" \n", Reason.EMPTY, "it is empty"),
        (b"hello", Reason.CORRUPT, "it is not XMP"),
        (packet()[:-20], Reason.CORRUPT, "it is not XMP"),
        (b'{"photoTakenTime": ', Reason.CORRUPT, "it is not JSON"),
        (b'{"photoTakenTime": "\xff"}', Reason.CORRUPT, "it is not JSON"),
        (b"[" * 200_000, Reason.CORRUPT, "it is nested too deeply|it is not JSON"),
        (b'{"a": "' + b"a" * (1 << 20) + b'"}', Reason.UNSUPPORTED, "more than 1 MiB"),
    ],
)
def test_what_cannot_be_read_is_explained(content: bytes, reason: Reason, message: str) -> None:
    with pytest.raises(ImageError, match=message) as raised:
        read_sidecar(io.BytesIO(content))
    assert raised.value.reason is reason
