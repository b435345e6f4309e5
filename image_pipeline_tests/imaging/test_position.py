"""The position of a photograph in EXIF and XMP, in every form that programs write."""

from pathlib import Path

import pytest
from PIL.TiffImagePlugin import IFDRational

from image_pipeline.imaging.metadata import read_metadata
from image_pipeline_tests.support.scenes import write
from image_pipeline_tests.support.tagged import exif_block, jpeg, packet, signed_gps


def place(directory: Path, content: bytes) -> tuple[float | None, float | None]:
    metadata = read_metadata(write(directory, "a.jpg", content))
    return metadata.latitude, metadata.longitude


DECIMAL = ((-38025312, 1000000),)
PARTS = ((-37, 1), (58, 1), (12, 1))
EAST = ((145, 1), (17, 1), (2058, 100))


@pytest.mark.parametrize(
    ("latitude", "references", "expected"),
    [
        (DECIMAL, "NE", (-38.025312, 145.28905)),
        (DECIMAL, "SE", (-38.025312, 145.28905)),
        (PARTS, "NE", (-37.97, 145.28905)),
        (((-37, 1), (-58, 1), (-12, 1)), "SE", (-37.97, 145.28905)),
        (((37, 1), (58, 1), (12, 1)), "SE", (-37.97, 145.28905)),
        (((-98, 1), (58, 1), (12, 1)), "SE", (None, None)),
    ],
)
def test_a_negative_part_is_south_whatever_the_reference(
    tmp_path: Path, latitude: tuple[tuple[int, int], ...], references: str, expected: tuple[float | None, float | None]
) -> None:
    assert place(tmp_path, jpeg(signed_gps(latitude, EAST, references))) == expected


def test_seconds_of_zero_by_zero_are_unknown(tmp_path: Path) -> None:
    nothing = IFDRational(0, 0)
    block = exif_block(gps={1: "N", 2: (48.0, 8.0, nothing), 3: "E", 4: (11.0, 34.0, nothing)})
    assert place(tmp_path, jpeg(block)) == (48.1333333, 11.5666667)
    block = exif_block(gps={1: "N", 2: (nothing, 8.0, 1.0), 3: "E", 4: (11.0, 34.0, 0.0)})
    assert place(tmp_path, jpeg(block)) == (None, None), "without degrees there is nothing"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"exif_GPSLatitude": "45.523", "exif_GPSLongitude": "-122.676"}, (45.523, -122.676)),
        (
            {
                "exif_GPSLatitude": "45.523",
                "exif_GPSLatitudeRef": "N",
                "exif_GPSLongitude": "122.676",
                "exif_GPSLongitudeRef": "W",
            },
            (45.523, -122.676),
        ),
        ({"exif_GPSLatitude": "45.523N", "exif_GPSLongitude": "122.676W"}, (45.523, -122.676)),
        ({"exif_GPSLatitude": "45,31.38N", "exif_GPSLongitude": "122,40.56W"}, (45.523, -122.676)),
        ({"exif_GPSLatitude": "45,31,22.8N", "exif_GPSLongitude": "122,40,33.6W"}, (45.523, -122.676)),
        ({"exif_GPSLatitude": "45.523", "exif_GPSLongitude": "-222.676"}, (None, None)),
        ({"exif_GPSLatitude": "45.523E", "exif_GPSLongitude": "1"}, (None, None)),
        ({"exif_GPSLatitude": "45.523", "exif_GPSLatitudeRef": "?", "exif_GPSLongitude": "1"}, (None, None)),
        ({"exif_GPSLatitude": "45.523"}, (None, None)),
        ({"exif_GPSLatitude": "0.0", "exif_GPSLongitude": "0.0"}, (None, None)),
    ],
)
def test_xmp_positions(tmp_path: Path, attributes: dict[str, str], expected: tuple[float | None, float | None]) -> None:
    assert place(tmp_path, jpeg(xmp=packet(**attributes))) == expected


@pytest.mark.parametrize(
    ("altitude", "reference", "metres"),
    [("1234/10", "0", 123.4), ("50/1", "1", -50.0), ("12.5", "", 12.5), ("1/0", "0", None), ("high", "0", None)],
)
def test_xmp_altitude(tmp_path: Path, altitude: str, reference: str, metres: float | None) -> None:
    xmp = packet(exif_GPSLatitude="1", exif_GPSLongitude="1", exif_GPSAltitude=altitude, exif_GPSAltitudeRef=reference)
    assert read_metadata(write(tmp_path, "a.jpg", jpeg(xmp=xmp))).altitude_m == metres
