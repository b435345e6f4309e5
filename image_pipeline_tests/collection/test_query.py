"""Search: nearest first, copies once, filtered as asked; the same in the embedded Qdrant and in a server."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from grpc import RpcError
from qdrant_client import models

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.hits import Hit
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.qdrant import Qdrant, SearchedVersion
from image_pipeline.collection.replaced import VersionReplacedError
from image_pipeline.collection.search_filter import Near, SearchFilter
from image_pipeline.errors import CollectionError
from image_pipeline.settings import DType
from image_pipeline_tests.storage.conftest import VERSION
from image_pipeline_tests.support.raw_qdrant import qdrant_over, raw_client

ROME, OSLO, FIJI = {"lat": 41.9, "lon": 12.5}, {"lat": 59.9, "lon": 10.75}, {"lat": -17.8, "lon": 179.99}


def at(degrees: float) -> list[float]:
    """A vector at an angle to the query, which is at 0."""
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0, 0.0]


def photo(path: str, degrees: float, sha256: str, **payload: object) -> Point:
    return make_point(path, at(degrees), {"partition": "p", "sha256": sha256, **payload})


PHOTOS = [
    photo("rome.jpg", 10, "1", caption="a red circle left of a star", place=ROME, taken_at="2021-07-03T10:11:12+02:00"),
    photo("copies/rome (1).jpg", 10, "1", caption="a red circle left of a star", place=ROME),
    photo("copies/rome (2).jpg", 10, "1", caption="a red circle left of a star", place=ROME),
    photo(
        "oslo.jpg", 30, "2", caption="a Blue heart", place=OSLO, taken_at="2022-01-01T00:00:00", camera_model="X100V"
    ),
    photo(
        "fiji.jpg", 50, "3", caption="two stars", place=FIJI, taken_at="2022-01-01T01:30:00+02:00", camera_model="X100"
    ),
    photo("plain.jpg", 70, "4"),
]


@pytest.fixture
def qdrant(any_address: QdrantAddress) -> Iterator[Qdrant]:
    with any_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        list(collection.upsert(PHOTOS))
        yield qdrant


def paths(qdrant: Qdrant, **asked: object) -> list[str]:
    return [hit.path for hit in qdrant.points(VERSION.name).nearest(at(0), 10, SearchFilter(**asked))]  # type: ignore[arg-type]


def test_the_nearest_come_first_and_copies_count_once(qdrant: Qdrant, any_address: QdrantAddress) -> None:
    hits = qdrant.points(VERSION.name).nearest(at(0), 2)
    rounding = 5e-4 if isinstance(any_address, EdgeAddress) else 5e-5  # Edge keeps vectors as 16-bit floats
    cosines = [math.cos(math.radians(degrees)) for degrees in (10, 30)]
    assert [hit.score for hit in hits] == pytest.approx(cosines, rel=0, abs=rounding)
    first = Hit(
        path="copies/rome (1).jpg",
        score=hits[0].score,
        caption="a red circle left of a star",
        sha256="1",
        copies=("copies/rome (2).jpg", "rome.jpg"),
        identical=("copies/rome (2).jpg", "rome.jpg"),
        place=ROME,
    )
    assert hits == [
        first,
        Hit("oslo.jpg", hits[1].score, "a Blue heart", "2", place=OSLO, camera_model="X100V"),
    ]
    assert [hit.sha256 for hit in qdrant.points(VERSION.name).nearest(at(80), 10)] == ["4", "3", "2", "1"]


def test_a_file_without_a_caption_is_found(qdrant: Qdrant) -> None:
    assert qdrant.points(VERSION.name).nearest(at(70), 1)[0].caption == ""


def test_many_copies_of_one_photo_hide_no_other(qdrant: Qdrant) -> None:
    copies = [photo(f"burst/{n:03}.jpg", 1, "5", caption="many") for n in range(120)]
    list(qdrant.collection(VERSION).upsert(copies))
    hits = qdrant.points(VERSION.name).nearest(at(0), 5)
    assert [hit.sha256 for hit in hits] == ["5", "1", "2", "3", "4"]
    assert len(hits[0].copies) == 15


def test_files_with_the_same_pixels_are_copies(qdrant: Qdrant) -> None:
    tagged = [
        photo("lake.jpg", 5, "6", caption="blue", pixels="00-4x3"),
        photo("lake tagged.jpg", 5, "7", caption="blue and tagged", pixels="00-4x3"),
        photo("lake cropped.jpg", 5, "8", pixels="00-4x2"),
    ]
    list(qdrant.collection(VERSION).upsert(tagged))
    first, second, third = qdrant.points(VERSION.name).nearest(at(0), 3)
    copies = Hit("lake tagged.jpg", first.score, "blue and tagged", "7", ("lake.jpg",), pixels="00-4x3")
    alone = Hit("lake cropped.jpg", first.score, "", "8", pixels="00-4x2")
    assert sorted([first, second], key=lambda hit: hit.path) == [alone, copies]
    assert third.sha256 == "1"


def test_points_of_an_older_version_have_no_pixels_and_are_copies_by_content(qdrant: Qdrant) -> None:
    mixed = [
        photo("a/lake tagged.jpg", 5, "7", pixels="00-4x3"),
        photo("b/lake.jpg", 5.01, "6"),
        photo("c/lake.jpg", 5.02, "6", pixels="00-4x3"),
    ]
    list(qdrant.collection(VERSION).upsert(mixed))
    first, second = qdrant.points(VERSION.name).nearest(at(0), 2)
    assert (first.path, first.sha256, first.copies) == ("a/lake tagged.jpg", "7", ("b/lake.jpg", "c/lake.jpg"))
    assert first.identical == ()
    assert second.sha256 == "1"


def test_by_place(qdrant: Qdrant) -> None:
    assert paths(qdrant, near=Near(41.9, 12.5, 5)) == ["copies/rome (1).jpg"]
    assert paths(qdrant, near=Near(50.0, 12.0, 2000)) == ["copies/rome (1).jpg", "oslo.jpg"]
    assert paths(qdrant, near=Near(-17.8, -179.99, 10)) == ["fiji.jpg"], "across the date line"
    assert paths(qdrant, near=Near(0, 0, 10)) == []


def test_by_time(qdrant: Qdrant) -> None:
    new_year = datetime(2022, 1, 1, tzinfo=UTC)
    assert paths(qdrant, after=new_year) == ["oslo.jpg"], "a time without an offset counts as UTC"
    assert paths(qdrant, before=new_year) == ["rome.jpg", "fiji.jpg"], "02:30 in +02:00 is the year before in UTC"
    east = timezone(timedelta(hours=2))
    assert paths(qdrant, after=datetime(2021, 7, 3, 10, 11, 12, tzinfo=east), before=new_year) == [
        "rome.jpg",
        "fiji.jpg",
    ]
    assert paths(qdrant, after=datetime(2021, 7, 3, 10, 11, 13, tzinfo=east), before=new_year) == ["fiji.jpg"]


def local(path: str, start: str, end: str) -> Point:
    return photo(path, 5, path, taken_local=start, taken_local_end=end)


def test_by_the_photographers_clock(qdrant: Qdrant) -> None:
    list(
        qdrant.collection(VERSION).upsert(
            [
                local("evening.jpg", "2025-09-10T20:30:00", "2025-09-10T20:30:01"),
                local("morning.jpg", "2025-09-11T08:59:00.25", "2025-09-11T08:59:01"),
                local("midnight.jpg", "2025-09-11T00:00:00", "2025-09-11T00:00:01"),
                local("september.jpg", "2025-09-01T00:00:00", "2025-10-01T00:00:00"),
                local("1993.jpg", "1993-01-01T00:00:00", "1994-01-01T00:00:00"),
            ]
        )
    )

    def found(after: datetime | None = None, before: datetime | None = None) -> set[str]:
        return set(paths(qdrant, after=after, before=before))

    day, following = datetime(2025, 9, 11), datetime(2025, 9, 12)
    assert found(day, following) == {"morning.jpg", "midnight.jpg", "september.jpg"}, "it may have been on this day"
    assert found(before=day) == {"evening.jpg", "september.jpg", "1993.jpg"}
    assert found(after=datetime(2025, 10, 1)) == set()
    assert found(datetime(1993, 7, 1), datetime(1993, 8, 1)) == {"1993.jpg"}
    assert found(datetime(1994, 1, 1), datetime(2025, 9, 1)) == set()
    assert found(datetime(2025, 9, 11, 8, 59), datetime(2025, 9, 11, 9)) == {"morning.jpg", "september.jpg"}


def test_by_words_of_the_caption(qdrant: Qdrant) -> None:
    assert paths(qdrant, words="star circle") == ["copies/rome (1).jpg"]
    assert paths(qdrant, words="STAR") == ["copies/rome (1).jpg"]
    assert paths(qdrant, words="blue") == ["oslo.jpg"]
    assert paths(qdrant, words="red heart") == []


def test_all_that_is_asked_must_hold(qdrant: Qdrant) -> None:
    asked = {"near": Near(59.9, 10.75, 100), "after": datetime(2022, 1, 1, tzinfo=UTC), "words": "heart"}
    assert paths(qdrant, **asked) == ["oslo.jpg"]
    assert paths(qdrant, **{**asked, "words": "star"}) == []


def test_what_is_searched_says_what_made_it(qdrant: Qdrant) -> None:
    expected = SearchedVersion(VERSION.name, "open_clip:tiny@1", "org/tiny@1", DType.FP32)
    assert qdrant.searched_version() == expected


def test_without_a_collection_a_person_is_told_what_to_do(qdrant_address: QdrantAddress) -> None:
    with raw_client(qdrant_address) as client:
        qdrant = qdrant_over(client, qdrant_address, "images")
        with pytest.raises(CollectionError, match=r"no collection 'images' in Qdrant yet: .*image-pipeline ingest"):
            qdrant.searched_version()
        config = models.VectorParams(size=4, distance=models.Distance.COSINE)
        client.create_collection("images--0", vectors_config=config)
        create = models.CreateAlias(collection_name="images--0", alias_name="images")
        client.update_collection_aliases([models.CreateAliasOperation(create_alias=create)])
        with pytest.raises(CollectionError, match="does not say which model made it"):
            qdrant.searched_version()


def test_a_version_that_is_gone_is_told_apart_from_other_trouble(qdrant: Qdrant) -> None:
    with pytest.raises(VersionReplacedError, match="was replaced"):
        qdrant.points("images--ffee0011").nearest(at(0), 5)
    with pytest.raises((ValueError, RpcError)):  # as each kind of Qdrant says it
        qdrant.points(VERSION.name).nearest([1.0] * 7, 5)
