"""Filters by what people know of a photograph, the order of dates, and counted values, in both kinds of Qdrant."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.hits import Sort
from image_pipeline.collection.lookups import Unmatched
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.search_filter import SearchFilter, Span
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.errors import CollectionError
from image_pipeline.schema.camera import camera_name
from image_pipeline.schema.payload import CAMERA, DIRECTORY, KEYWORDS, RATING, TAKEN_YEAR
from image_pipeline_tests.storage.conftest import VERSION, unit_vector
from image_pipeline_tests.support.raw_qdrant import raw_client

CAMERAS = (
    *(("Canon", "Canon EOS R5"), ("CANON", "Canon EOS R50"), ("NIKON CORPORATION", "NIKON D750")),
    *((None, "X100V"), ("SONY", None), (None, None)),
)
WORDS = ("Beach", "beach", "ÉTÉ", "été", "Nature/Cat", "cat", "50% off")
PEOPLE = ("Anna Berg", "anna", "Ben")
CITIES, COUNTRIES = ("São Paulo", "Rome", None), ("Brazil", "Italy", None)
DATES = ("2021-07-03T10:11:12.250000", "2021-07-03T10:11:12", "1993-01-01T00:00:00", None)
DIRECTORIES = ("", "2024", "2024/trip", "2024/trip 2", "2024x")
UUID_NAMES = ("0F8FAD5B-D9CB-469F-A165-70867728950E", "0f8fad5bd9cb469fa16570867728950e")
"""Folders of some photo libraries have such names, and the embedded Qdrant counts UUIDs in one spelling."""


def photo(number: int, **payload: Any) -> Point:
    path = f"{payload['directory']}/{number}.jpg".removeprefix("/")
    return make_point(path, unit_vector(path), {"partition": "p", "sha256": str(number), **payload})


@st.composite
def payloads(draw: st.DrawFn) -> dict[str, Any]:
    make, model = draw(st.sampled_from(CAMERAS))
    return {
        "camera_make": make,
        "camera_model": model,
        "camera": camera_name(make, model),
        "lens": draw(st.sampled_from(["RF 24-70mm F2.8", "rf 50mm", None])),
        "keywords": draw(st.lists(st.sampled_from(WORDS), max_size=3, unique=True)),
        "people": draw(st.lists(st.sampled_from(PEOPLE), max_size=2, unique=True)),
        "rating": draw(st.sampled_from([-1, 0, 3, 5, None])),
        "iso": draw(st.sampled_from([100, 800, 6400, None])),
        "format": draw(st.sampled_from(["jpeg", "raw", None])),
        "city": draw(st.sampled_from(CITIES)),
        "country": draw(st.sampled_from(COUNTRIES)),
        "directory": draw(st.sampled_from((*DIRECTORIES, *UUID_NAMES))),
        "taken_local": draw(
            st.sampled_from(["2021-07-03T10:11:12.250000", "2021-07-03T10:11:12", "1993-01-01T00:00:00", None])
        ),
    }


SPANS = st.sampled_from([Span(3, 3), Span(1), Span(None, 800), Span(0, 100)])
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "camera": st.sampled_from(["canon", "eos r5", "Canon EOS R5", "nikon corp", "x", "Leica"]),
    "lens": st.sampled_from(["RF", "50MM"]),
    "keywords": st.lists(st.sampled_from(["BEACH", "été", "nature/cat", "Cat", "zoo"]), min_size=1, max_size=2).map(
        tuple
    ),
    "not_keywords": st.lists(st.sampled_from(["beach", "CAT", "zoo"]), min_size=1, max_size=2).map(tuple),
    "people": st.lists(st.sampled_from(["anna", "BERG", "ben", "zoe"]), min_size=1, max_size=2).map(tuple),
    "rating": SPANS,
    "iso": SPANS,
    "format": st.sampled_from(["jpeg", "png"]),
    "directory": st.sampled_from([*DIRECTORIES, *UUID_NAMES, "2023"]),
    "city": st.sampled_from(["são paulo", "ROME", "Paris"]),
    "country": st.sampled_from(["italy", "ital"]),
}
NAMES = st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=2, unique=True)
SIMPLE = NAMES.flatmap(lambda names: st.builds(SearchFilter, **{name: FIELDS[name] for name in names}))
FILTERS = st.recursive(
    SIMPLE,
    lambda inner: st.builds(
        SearchFilter,
        rating=st.none() | SPANS,
        any_of=st.lists(st.lists(inner, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
        none_of=st.lists(inner, max_size=2).map(tuple),
    ),
    max_leaves=4,
)


def lets_through(asked: SearchFilter, payload: dict[str, Any]) -> bool:
    """What a filter means, said once more in plain Python."""

    def contains(text: str | None, *values: str | None) -> bool:
        return text is None or any(value is not None and text.lower() in value.lower() for value in values)

    def equals(text: str | None, value: str | None) -> bool:
        return text is None or (value is not None and text.lower() == value.lower())

    def within(span: Span | None, value: int | None) -> bool:
        if span is None:
            return True
        return (
            value is not None and (span.low is None or span.low <= value) and (span.high is None or value <= span.high)
        )

    keywords = [keyword.lower() for keyword in payload["keywords"]]
    return (
        contains(asked.camera, payload["camera"], payload["camera_make"], payload["camera_model"])
        and contains(asked.lens, payload["lens"])
        and all(keyword.lower() in keywords for keyword in asked.keywords)
        and not any(keyword.lower() in keywords for keyword in asked.not_keywords)
        and all(contains(person, *payload["people"]) for person in asked.people)
        and within(asked.rating, payload["rating"])
        and within(asked.iso, payload["iso"])
        and equals(asked.format, payload["format"])
        and (not asked.directory or f"{payload['directory']}/".startswith(f"{asked.directory}/"))
        and equals(asked.city, payload["city"])
        and equals(asked.country, payload["country"])
        and all(any(lets_through(one, payload) for one in group) for group in asked.any_of)
        and not any(lets_through(one, payload) for one in asked.none_of)
    )


@pytest.fixture
def points(any_address: QdrantAddress) -> Iterator[VersionPoints]:
    with any_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        yield collection


def put(points: VersionPoints, *wanted: Point) -> None:
    with_all = list(points.stray_points(()))
    points.delete_points([record.id for record in with_all])
    list(points.upsert(wanted))


# without shrinking: it asks Qdrant thousands of times
@settings(
    max_examples=25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=st.lists(payloads(), min_size=8, max_size=12), filters=st.lists(FILTERS, min_size=6, max_size=12))
def test_a_filter_lets_through_what_it_means(
    points: VersionPoints, made: list[dict[str, Any]], filters: list[SearchFilter]
) -> None:
    photos = [photo(number, **payload) for number, payload in enumerate(made)]
    put(points, *photos)
    for asked in filters:
        expected = {
            str(point.payload["path"]) for point, one in zip(photos, made, strict=True) if lets_through(asked, one)
        }
        nearest = points.nearest(unit_vector("x"), 20, asked)
        assert {hit.path for hit in nearest} == expected, asked
        newest = points.in_order_of_date(Sort.NEWEST, 20, asked)
        assert {hit.path for hit in newest} == expected, asked
        dates = [hit.taken_local or "" for hit in newest]
        assert dates == sorted(dates, reverse=True)
        oldest = points.in_order_of_date(Sort.OLDEST, 20, asked)
        assert [hit.taken_local or "9" for hit in oldest] == sorted(hit.taken_local or "9" for hit in newest)
        counts = points.facet(RATING, asked)
        ratings = [one["rating"] for one in made if lets_through(asked, one) and one["rating"] is not None]
        assert counts == {value: ratings.count(value) for value in ratings}


def test_the_order_of_dates_has_each_photograph_once(points: VersionPoints) -> None:
    put(
        points,
        *(
            photo(number, directory="", taken_local=f"20{number:02}-01-01T00:00:00", sha256=str(number // 2))
            for number in range(30)
        ),
        *(photo(number, directory="", sha256="undated") for number in range(50, 90)),
        photo(99, directory="", sha256="another"),
    )
    newest = points.in_order_of_date(Sort.NEWEST, 3)
    assert [(hit.path, hit.copies, hit.score) for hit in newest] == [
        *(("29.jpg", ("28.jpg",), None), ("27.jpg", ("26.jpg",), None), ("25.jpg", ("24.jpg",), None)),
    ], "of a photograph with copies, the file with the newest date"
    oldest = points.in_order_of_date(Sort.OLDEST, 100)
    assert [hit.path for hit in oldest[:15]] == [f"{number}.jpg" for number in range(0, 30, 2)]
    assert {hit.sha256 for hit in oldest[15:]} == {"undated", "another"} and len(oldest) == 17


def test_values_and_counts(points: VersionPoints) -> None:
    put(
        points,
        photo(1, directory="", camera="Canon EOS R5", keywords=["a", "b"], taken_year=1993),
        photo(2, directory="trip", camera="X100V", keywords=["b"], taken_year=2021),
        photo(3, directory="trip", camera="Canon EOS R5", keywords=["c"], taken_year=2021),
        photo(4, directory="trip"),
    )
    assert list(points.facet(CAMERA).items()) == [("Canon EOS R5", 2), ("X100V", 1)]
    assert list(points.facet(KEYWORDS).items()) == [("b", 2), ("a", 1), ("c", 1)]
    assert list(points.facet(TAKEN_YEAR).items()) == [(2021, 2), (1993, 1)]
    assert list(points.facet(CAMERA, SearchFilter(directory="trip")).items()) == [("Canon EOS R5", 1), ("X100V", 1)]
    assert points.facet(CAMERA, SearchFilter(camera="Leica")) == {}


def test_what_matches_nothing_is_named_with_what_there_is(points: VersionPoints) -> None:
    cameras = ["Canon EOS R5", "Canon EOS R5", *(f"Nikon D{number}" for number in range(6))]
    put(
        points,
        *(
            photo(number, directory="2024/Rome", camera=camera, keywords=["Été"])
            for number, camera in enumerate(cameras)
        ),
    )
    asked = SearchFilter(camera="cannon", keywords=("ete", "ÉTÉ"), city="Rome", directory="2024/Rom", people=())
    assert points.unmatched(asked) == [
        Unmatched("camera", "cannon", ("Canon EOS R5",), 6),
        Unmatched("keywords", "ete", ("Été",), 0),
        Unmatched("city", "Rome", (), 0),
        Unmatched("directory", "2024/Rom", ("2024/Rome",), 0),
    ]
    [leica] = points.unmatched(SearchFilter(camera="Hasselblad"))
    assert leica.known[:2] == ("Canon EOS R5", "Nikon D0") and leica.others == 2, "the most frequent"
    assert points.unmatched(SearchFilter(camera="NIKON", not_keywords=("été",), directory="2024")) == []


def test_a_collection_of_an_older_release_says_what_to_do(server_address: QdrantAddress) -> None:
    with server_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
        with raw_client(server_address) as client:
            client.delete_payload_index(VERSION.name, CAMERA.name)
        with pytest.raises(CollectionError, match=r"without an index of 'camera': ingest the library again"):
            qdrant.points(VERSION.name).nearest(unit_vector("x"), 5, SearchFilter(camera="canon"))
        qdrant.collection(VERSION).ensure()
        assert qdrant.points(VERSION.name).nearest(unit_vector("x"), 5, SearchFilter(camera="canon")) == []


def test_every_value_is_fetched_however_many_there_are(points: VersionPoints) -> None:
    many = 3000
    put(points, *(photo(n, directory=f"{n:04}/{'x' * 200}", city=f"City {n}") for n in range(many)))
    assert len(points.facet(DIRECTORY)) == many
    assert [hit.city for hit in points.nearest(unit_vector("x"), 5, SearchFilter(city="CITY 2999"))] == ["City 2999"]
