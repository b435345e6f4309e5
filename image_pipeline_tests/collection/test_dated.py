"""Pages by date: each goes on where the one before it ended, whatever comes and goes meanwhile."""

from collections.abc import Iterator

import numpy as np
import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection
from image_pipeline.collection.dated import DatePosition
from image_pipeline.collection.hits import Hit, Sort
from image_pipeline.collection.points import Point, make_point, point_id
from image_pipeline.collection.search_filter import SearchFilter, Span
from image_pipeline_tests.storage.conftest import VERSION, unit_vector

EVERYTHING = SearchFilter()
DATES = (None, "2021-07-03T10:11:12.250000", "2021-07-03T10:11:12.250001", "2021-07-03T10:11:12", "1993-01-01T00:00:00")


@pytest.fixture
def points(any_address: QdrantAddress) -> Iterator[Collection]:
    with any_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        yield collection


def photo(number: int, date: str | None, content: int | None = None, **more: object) -> Point:
    payload = {"partition": "p", "sha256": str(number if content is None else content), "taken_local": date, **more}
    return make_point(f"{number:03}.jpg", unit_vector(str(number)), payload)


def put(points: Collection, photos: list[Point]) -> None:
    list(points.upsert(photos))


def expected(photos: list[Point], sort: Sort) -> list[str]:
    """The paths in the order of dates, then of ids; of copies, the first one."""

    dated = sorted((one for one in photos if "taken_local" in one.payload), key=lambda one: one.id)
    dated.sort(key=_padded, reverse=sort is Sort.NEWEST)
    undated = sorted((one for one in photos if "taken_local" not in one.payload), key=lambda one: one.id)
    found: dict[object, str] = {}
    for point in (*dated, *undated):
        found.setdefault(point.payload["sha256"], str(point.payload["path"]))
    return list(found.values())


def _padded(point: Point) -> str:
    return str(point.payload["taken_local"]).ljust(26, ".")


def all_pages(points: Collection, sort: Sort, limit: int, asked: SearchFilter = EVERYTHING) -> list[Hit]:
    hits: list[Hit] = []
    after: DatePosition | None = None
    while True:
        page, after = points.page_by_date(sort, limit, asked, after)
        hits += page
        if after is None:
            return hits
        assert len(page) == limit


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.OLDEST])
def test_all_pages_have_each_photograph_once_in_order(points: Collection, sort: Sort) -> None:
    rng = np.random.default_rng(3)
    photos = [
        photo(number, DATES[rng.integers(len(DATES))], int(number - rng.integers(4)), rating=number % 6)
        for number in range(70)
    ]
    put(points, photos)
    for limit in (1, 7, 69, 200):
        assert [hit.path for hit in all_pages(points, sort, limit)] == expected(photos, sort)
    some = [one for one in photos if one.payload["rating"] >= 3]
    asked = SearchFilter(rating=Span(3))
    assert [hit.path for hit in all_pages(points, sort, 5, asked)] == expected(some, sort)
    assert points.page_by_date(sort, 5, SearchFilter(camera="none"), None) == ([], None)


def test_a_photograph_with_very_many_copies_is_shown_once(points: Collection) -> None:
    copies = [photo(n, f"20{n:02}-01-01T00:00:00" if n < 30 else None, 0) for n in range(60)]
    others = [photo(100 + n, f"20{n:02}-06-01T00:00:00") for n in range(30)]
    put(points, [*copies, *others])
    for sort in (Sort.NEWEST, Sort.OLDEST):
        assert [hit.path for hit in all_pages(points, sort, 4)] == expected([*copies, *others], sort)


def test_what_comes_and_goes_between_two_pages_moves_nothing_else(points: Collection) -> None:
    """New ones before and after the place, a deleted one at it, and many with the same date."""
    photos = [photo(n, f"2020-01-{1 + n // 8:02}T00:00:00") for n in range(40)] + [
        photo(n, None) for n in range(40, 60)
    ]
    put(points, photos)
    there = expected(photos, Sort.NEWEST)
    seen: list[str] = []
    after: DatePosition | None = None
    number = 100
    while True:
        page, after = points.page_by_date(Sort.NEWEST, 4, EVERYTHING, after)
        seen += [hit.path for hit in page]
        if after is None:
            break
        put(points, [photo(number, "2021-01-01T00:00:00"), photo(number + 1, "2020-01-01T00:00:00")])
        points.delete_points([point_id(page[-1].path)])
        number += 2
    assert [path for path in seen if path in there] == there
    assert len(seen) == len(set(seen))
