"""Numbers that a disk may hold, however absurd, go from discovery to the collection and cost no run."""

import os
from pathlib import Path

import dagster as dg
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.search_filter import Near, SearchFilter
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.services.search import Search
from image_pipeline.settings import load_settings
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.raw_qdrant import settings_of
from image_pipeline_tests.support.sensor import tick

SECONDS = 10**9
TIMES = [
    *(-(1 << 63), -(10**11), -9_223_372_037, -(1 << 31), -1, 0),
    *(1 << 31, 9_223_372_037, 13_000_000_000, 253_402_300_800, 1 << 62, (1 << 63) - 1),
]
"""Modification times in s since 1970: what 64 bits hold, the years 1677, 1901, 2038, 2262, 2381 and 10000."""
_XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmp:Rating="{}"
exif:DateTimeOriginal="{}" exif:GPSLatitude="{}" exif:GPSLongitude="{}"/></rdf:RDF></x:xmpmeta>"""
_LARGE, _NONE = IFDRational((1 << 32) - 1, 1), IFDRational(1, 0)
_NORTH_POLE = (IFDRational(90, 1), IFDRational(0, 1), IFDRational(0, 1))
_DATE_LINE = (IFDRational(180, 1), IFDRational(0, 1), IFDRational(0, 1))


def _pipeline(memory: Path, tmp_path: Path, address: QdrantAddress) -> Pipeline:
    library = memory / f"library of {tmp_path.name}"  # tmpfs holds 64 bits of seconds, ext4 fewer
    library.mkdir()
    settings = load_settings(
        library=library,
        home=tmp_path / "store",
        models="bundled:embedder,none",
        settle_seconds=0,
        **settings_of(address),
    )
    return Pipeline(settings)


def test_any_time_that_a_file_system_holds_is_taken(
    memory: Path, tmp_path: Path, embedded_address: QdrantAddress
) -> None:
    pipeline = _pipeline(memory, tmp_path, embedded_address)
    for number, time in enumerate(TIMES):
        directory = pipeline.root / f"d{number % 3}"
        directory.mkdir(exist_ok=True)
        file = directory / f"{number}.jpg"
        Image.new("RGB", (64, 48), (0, 20 * number, 0)).save(file)
        os.utime(file, ns=(time * SECONDS, time * SECONDS))
    for directory, time in zip(sorted(pipeline.root.iterdir()), (TIMES[0], TIMES[-1], TIMES[-3]), strict=True):
        os.utime(directory, ns=(time * SECONDS, time * SECONDS))
    with open_instance(Store(pipeline.settings.home)) as instance:
        told = tick(pipeline, instance)
        assert isinstance(told, dg.SensorResult) and told.run_requests, "the sensor sees them"
    done = pipeline.ingest()
    assert (done.indexed, done.embedded, done.quarantined) == (len(TIMES), len(TIMES), 0)
    assert pipeline.ingest().unchanged == len(TIMES)

    # an edit that sets the time back shows, and so does another time that no table has room for
    edited = pipeline.root / "d0/0.jpg"
    Image.new("RGB", (64, 48), "red").save(edited)
    os.utime(edited, ns=(TIMES[0] * SECONDS, TIMES[0] * SECONDS))
    os.utime(pipeline.root / "d1/10.jpg", ns=(TIMES[-1] * SECONDS, TIMES[-1] * SECONDS))
    assert pipeline.ingest().embedded == 1
    with open_instance(Store(pipeline.settings.home)) as instance:
        for _ in range(2):
            told = tick(pipeline, instance)
        assert isinstance(told, dg.SkipReason), "and the sensor has nothing more to do"


def test_numbers_that_cannot_be_true_cost_nothing_but_themselves(
    memory: Path, tmp_path: Path, qdrant_address: QdrantAddress
) -> None:
    pipeline = _pipeline(memory, tmp_path, qdrant_address)
    for number in range(4):
        image = Image.new("RGB", (64 + number, 48), (60 * number, 0, 0))
        image.save(pipeline.root / f"exif{number}.jpg", exif=_absurd_exif(number))
        image.save(pipeline.root / f"xmp{number}.jpg", xmp=_absurd_xmp(number), quality=70)
    assert pipeline.ingest().indexed == 8
    points = pipeline.points()
    assert (
        not {"iso", "exposure_s", "f_number", "place", "altitude_m", "rating", "taken_at"} & points["exif0.jpg"].keys()
    )
    assert points["exif1.jpg"]["place"] == {"lat": 90.0, "lon": 180.0}
    assert (points["exif2.jpg"]["iso"], points["exif2.jpg"]["rating"]) == (1, 5)
    assert not {"place", "rating", "taken_at"} & points["xmp0.jpg"].keys()
    assert points["xmp2.jpg"]["taken_at"] == "1826-01-01T00:00:00-14:00"
    assert points["xmp3.jpg"]["rating"] == -1
    with Search(pipeline.settings, address_of(pipeline.settings)) as search:
        found = search.by_words("red", 10, SearchFilter(near=Near(0, 0, 20))).hits
        assert "xmp3.jpg" in {hit.path for hit in found}


def _absurd_exif(number: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0132] = ("0000:00:00 00:00:00", "9999:12:31 23:59:59", "10000:01:01 00:00:00", "-001:01:01 00:00:00")[number]
    exif[0x4746] = (65535, 0, 5, 6)[number]
    photo, gps = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    photo[0x8827] = (0, 65535, 1, 100)[number]
    photo[0x8833] = ((1 << 32) - 1, (1 << 31) - 1, 1, 3)[number]
    photo[0x829A] = (_NONE, _LARGE, IFDRational(1, (1 << 32) - 1), IFDRational(0, 0))[number]
    photo[0x829D] = (_LARGE, IFDRational(0, 1), IFDRational(28, 10), IFDRational(1, 3))[number]
    gps[1], gps[3] = "N", "E"
    gps[2] = ((_NONE,) * 3, _NORTH_POLE, (IFDRational(0, 1),) * 3, (_LARGE,) * 3)[number]
    gps[4] = ((_NONE,) * 3, _DATE_LINE, (IFDRational(0, 1),) * 3, (_LARGE,) * 3)[number]
    gps[6] = (_NONE, _LARGE, IFDRational(1, 1), IFDRational(8848, 1))[number]
    return exif


def _absurd_xmp(number: int) -> bytes:
    values = (
        ("NaN", "0001-01-01T00:00:00Z", "999,0N", "0,0E"),
        ("1e999", "9999-12-31T23:59:59+14:00", "90,0.0N", "180,0.0E"),
        ("9" * 5000, "1826-01-01T00:00:00-14:00", "89,59.9999999999999999999N", "179,59.99999E"),
        ("-1", "2099-12-31T23:59:59.999999999+14:00", "0,0.0000001N", "0,0.00001E"),
    )[number]
    return _XMP.format(*values).encode()
