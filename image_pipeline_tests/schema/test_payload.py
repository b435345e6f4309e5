"""The declaration of the payload: every field of real points is in it, and what is made of it is true."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from image_pipeline.cli.search import FACETS
from image_pipeline.collection.conditions import conditions_of
from image_pipeline.collection.points import payload_digest
from image_pipeline.collection.search_filter import Near, SearchFilter, Span
from image_pipeline.collection.where import Condition, Numbers, OneOf, Times, Where, Within, Words
from image_pipeline.schema.column import Index, Kind
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.payload import (
    CITY,
    COLLECTION_ASSET,
    COUNTRY,
    MAP_CELLS,
    NOT_CONTENT,
    PARTITION,
    PAYLOAD,
    PEOPLE,
    PIXELS,
    SHA256,
    STATE,
    TAKEN_DAY,
    payload_page,
)
from image_pipeline.schema.rows import MetadataOfImage, Stage
from image_pipeline.settings import load_settings
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.scenes import encoded, photograph

PAGE = Path(__file__).parents[2] / "docs/payload.md"
DECLARED = {field.name: field for field in PAYLOAD}
_INDEXED_KINDS = {
    Index.KEYWORD: {Kind.TEXT, Kind.TEXTS},
    Index.INTEGER: {Kind.INTEGER},
    Index.FLOAT: {Kind.FLOAT},
    Index.DATETIME: {Kind.DATETIME},
    Index.GEO: {Kind.GEO},
    Index.TEXT: {Kind.TEXT},
}
_XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="-1"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:State="{}">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Evening</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">By the sea</rdf:li></rdf:Alt></dc:description>
<dc:subject><rdf:Bag>{}</rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def is_of(kind: Kind, value: Any) -> bool:
    """Whether a value is of a kind, exactly: an integer is no float, and a boolean is neither."""
    match kind:
        case Kind.TEXT:
            return type(value) is str
        case Kind.TEXTS:
            return type(value) is list and all(type(one) is str for one in value)
        case Kind.INTEGER:
            return type(value) is int
        case Kind.FLOAT:
            return type(value) is float
        case Kind.DATETIME:
            return type(value) is str and datetime.fromisoformat(value) is not None
        case Kind.GEO:
            keys = {"lat", "lon"}
            return type(value) is dict and value.keys() == keys and all(type(value[key]) is float for key in keys)


def full_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = 6, "Testmaker", "Model D"
    photo, gps = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    photo[0x9003], photo[0xA434] = "2021:07:03 10:11:12", "50 mm"
    photo[0x8827], photo[0x829A], photo[0x829D] = 100, IFDRational(2, 1), IFDRational(4, 1)
    photo[0x920A] = IFDRational(50, 1)
    gps[1], gps[2] = "N", (IFDRational(41, 1), IFDRational(54, 1), IFDRational(0, 1))
    gps[3], gps[4] = "E", (IFDRational(12, 1), IFDRational(30, 1), IFDRational(0, 1))
    gps[5], gps[6] = b"\0", IFDRational(20, 1)
    return exif


@pytest.fixture(scope="module")
def payloads(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Of an ingested library: of photographs with all metadata that is read, and of one without any."""
    root = tmp_path_factory.mktemp("payload")
    pipeline = Pipeline(load_settings(library=root / "library", home=root / "store", models="demo"))
    draw_scenes(pipeline.root / "trip", 1)
    keywords = "".join(f"<rdf:li>{number}</rdf:li>" for number in range(2001))
    for name, state in (("full", "Lazio"), ("derived", "")):
        packet = _XMP.format(state, keywords).encode()
        Image.new("RGB", (64, 48), "red").save(pipeline.root / f"trip/{name}.jpg", exif=full_exif(), xmp=packet)
    whole = encoded(photograph(256, 192), "JPEG", quality=90)
    (pipeline.root / "trip/damaged.jpg").write_bytes(whole[: len(whole) * 4 // 5])
    (pipeline.root / "trip/derived.xmp").write_text("neither XMP nor JSON")
    pipeline.ingest()
    return list(pipeline.points().values())


def test_every_field_of_real_points_is_declared_and_of_its_type(payloads: list[dict[str, Any]]) -> None:
    assert len(payloads) == 4
    for payload in payloads:
        for name, value in payload.items():
            assert name in DECLARED, name
            assert is_of(DECLARED[name].kind, value), (name, value)


def test_every_field_that_is_declared_is_one_of_real_points(payloads: list[dict[str, Any]]) -> None:
    assert {name for payload in payloads for name in payload} == DECLARED.keys()


def test_a_rejected_photograph_has_the_rating_that_is_declared(payloads: list[dict[str, Any]]) -> None:
    assert [payload["rating"] for payload in payloads if "rating" in payload] == [-1, -1]
    assert "-1: rejected" in DECLARED["rating"].meaning == MetadataOfImage.descriptions()["rating"]


def test_names_are_declared_once_and_no_field_is_a_boolean() -> None:
    assert len(DECLARED) == len(PAYLOAD)
    assert not {"boolean", "bool"} & {*Kind, *Index}, "not every Qdrant can match them"
    assert not any(is_of(kind, True) for kind in Kind)
    assert all(field.kind in Kind and field.index in Index for field in PAYLOAD)


def test_an_index_is_of_the_type_of_its_field() -> None:
    for field in PAYLOAD:
        assert field.index is Index.NONE or field.kind in _INDEXED_KINDS[field.index], field.name


def test_every_filter_of_a_search_is_by_a_field_with_the_index_for_it() -> None:
    indexes = {(name, DECLARED[name].index) for condition in all_conditions() for name in names_in(condition)}
    keyword_fields = ("camera", "camera_make", "lens", "keywords", "people", "format", "directory", "city", "country")
    assert indexes == {
        ("place", Index.GEO),
        ("taken_at", Index.DATETIME),
        ("taken_local", Index.DATETIME),
        ("taken_local_end", Index.DATETIME),
        ("caption", Index.TEXT),
        ("rating", Index.INTEGER),
        ("iso", Index.INTEGER),
        *((name, Index.KEYWORD) for name in keyword_fields),
    }


def all_conditions() -> Iterator[Condition]:
    """Those of a search with every filter, by a local time and by one with an offset."""
    now = datetime(2024, 1, 1)
    texts = SearchFilter(
        *(Near(1, 2, 3), None, None, "X100V", "cat", "50 mm", ("a",), ("b",), ("Anna",), Span(4), Span(None, 800)),
        *("jpeg", "trip", "Rome", "Italy"),
    )
    others = ("after", "before", "box", "any_of", "none_of")
    assert not [name for name, value in vars(texts).items() if value in (None, ()) and name not in others]
    for time in (now, now.replace(tzinfo=UTC)):
        asked = replace(texts, after=time, before=time)
        yield from conditions_of(asked, lambda field: {"x100v 50 mm anna": 1}) or ()


def names_in(condition: Condition) -> set[str]:
    """The fields that a condition is about."""
    if isinstance(condition, Where):
        return {name for one in (*condition.should, *condition.must_not) for name in names_in(one)}
    assert isinstance(condition, OneOf | Numbers | Times | Within | Words)
    return {condition.field}


def test_the_values_that_are_counted_have_an_index() -> None:
    assert {field.index for field in FACETS.values()} == {Index.KEYWORD, Index.INTEGER}


def test_every_index_is_used() -> None:
    """Each one costs memory and time: a shard that was not sealed makes all of them anew whenever it is opened."""
    of_filters = {name for condition in all_conditions() for name in names_in(condition)}
    of_words = {field.name for field in (PEOPLE, CITY, STATE, COUNTRY)}
    of_the_pipeline = {PARTITION.name, SHA256.name, PIXELS.name}  # by which it finds points of its own, and copies
    used = of_filters | of_words | of_the_pipeline | {field.name for field in FACETS.values()}
    used |= {field.name for field in (TAKEN_DAY, *MAP_CELLS.values())}  # by which the timeline and the map count
    assert {field.name for field in PAYLOAD if field.index is not Index.NONE} == used


def test_the_digest_leaves_out_what_is_no_content() -> None:
    assert {"run_id", "ingested_at", "digest"} == NOT_CONTENT
    content = {"path": "a.jpg", "iso": 100}
    assert payload_digest({**content, **dict.fromkeys(NOT_CONTENT, "x")}) == payload_digest(content)


def test_every_source_is_an_asset() -> None:
    assert {field.source for field in PAYLOAD} == {*Stage, COLLECTION_ASSET}


def test_the_table_of_metadata_has_the_declared_fields() -> None:
    names = [name for name in MetadataOfImage.descriptions() if name not in ("sha256", "reason")]
    assert names == list(vars(ImageMetadata()))
    assert MetadataOfImage.schema().names == ["sha256", *names, "reason"]
    payload = {field.name for field in PAYLOAD if field.source == Stage.IMAGE_METADATA}
    added = {
        "place",
        "derived",
        "taken_local",
        "taken_local_end",
        "taken_local_from",
        "taken_year",
        "taken_day",
        "camera",
    }
    added |= {"map_cell_6", "map_cell_11", "map_cell_16"}
    assert payload == {*names, *added} - {"latitude", "longitude"}


def test_the_page_is_true() -> None:
    assert PAGE.read_text() == payload_page() + "\n", "run `make payload-docs`"
