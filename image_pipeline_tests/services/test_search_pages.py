"""Pages of searches while the collection changes, and rankings that are forgotten."""

import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.hits import Hit, Sort
from image_pipeline.collection.points import make_point, point_id
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.services import search as search_service
from image_pipeline.services import search_pages
from image_pipeline.services.query_language import parse_query
from image_pipeline.services.question import ForgottenRankingError, Question, UnknownPhotographError, mean_vector
from image_pipeline.services.ranking import Ranking, Rankings
from image_pipeline.services.search import Answer, PicturesBusyError, Search
from image_pipeline.services.search_pages import CursorError, SearchPages
from image_pipeline.settings import Settings, load_settings
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.raw_qdrant import settings_of


@pytest.fixture(params=["edge", "server"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    address: QdrantAddress = request.getfixturevalue(f"{request.param}_address")
    store = address.directory.parent if isinstance(address, EdgeAddress) else tmp_path
    return load_settings(home=store, models="demo", **settings_of(address))


@pytest.fixture
def search(settings: Settings) -> Iterator[Search]:
    with Search(settings, address_of(settings)) as search:
        yield search


def vector_of(name: str, dimension: int) -> list[float]:
    vector = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(dimension)
    unit: list[float] = (vector / np.linalg.norm(vector)).tolist()
    return unit


def put(settings: Settings, search: Search, names: list[str], **payload: object) -> None:
    version = load_inference(settings.models, settings.dtype, settings.home).collection_version(settings.collection)
    with search.address.connect(settings.collection) as qdrant:
        collection: Collection = qdrant.collection(version)
        collection.ensure()
        common = {"partition": ".", "caption": "a dog", **payload}
        points = [make_point(name, vector_of(name, version.dimension), {**common, "sha256": name}) for name in names]
        list(collection.upsert(points))


def delete(settings: Settings, search: Search, names: list[str]) -> None:
    with search.address.connect(settings.collection) as qdrant:
        qdrant.points(qdrant.searched_version().name).delete_points([point_id(name) for name in names])


@pytest.mark.parametrize("asked", ["words", "like", "dates"])
def test_what_comes_and_goes_between_two_pages_repeats_and_skips_nothing(
    settings: Settings, search: Search, asked: str
) -> None:
    there = [f"{number:03}.jpg" for number in range(120)]
    leaving = [f"leaving {number}.jpg" for number in range(40)]
    put(settings, search, [*there, *leaving])
    pages = SearchPages(search)
    questions = {
        "words": Question(words="a dog"),
        "like": Question(like=(point_id("example.jpg"),)),
        "dates": Question(),
    }
    put(settings, search, ["example.jpg"])
    page = pages.first(questions[asked], None, 9, only_close=False)
    seen, number = [hit.path for hit in page.hits], 0
    while page.cursor is not None:
        put(settings, search, [f"coming {number}.jpg", f"coming {number + 1}.jpg"])
        delete(settings, search, leaving[number : number + 2])
        following = pages.following(page.cursor, 9)
        again = pages.following(page.cursor, 9)
        assert [hit.path for hit in again.hits] == [hit.path for hit in following.hits], "a page may be asked for twice"
        page = following
        seen += [hit.path for hit in page.hits]
        number += 2
    assert len(seen) == len(set(seen))
    assert set(there) <= set(seen)


def test_all_of_a_search_by_date_is_in_its_cursor(settings: Settings, search: Search) -> None:
    put(settings, search, [f"{number}.jpg" for number in range(9)], rating=5, camera="É X")
    put(settings, search, ["other.jpg"], rating=1)
    asked = Question(search_filter=parse_query('rating:4.. camera:"é x" OR camera:none').search_filter)
    page = SearchPages(search).first(asked, Sort.OLDEST, 5)
    assert page.cursor is not None
    rest = SearchPages(search).following(page.cursor, 50)
    assert {hit.path for hit in (*page.hits, *rest.hits)} == {f"{number}.jpg" for number in range(9)}
    assert len(rest.hits) == 4 and rest.cursor is None


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "W10", "WyJkIl0", "bnVsbA", "WyJyIiwieCIsLTVd", "é", "WyJkIiwibmV3ZXN0IiwiIiwieCIsIngiXQ", "W" * 4000],
)
def test_a_cursor_of_somebody_elses_making(search: Search, cursor: str) -> None:
    with pytest.raises(CursorError):
        SearchPages(search).following(cursor, 5)


def test_a_search_that_was_cut_does_not_call_the_rest_distant(
    settings: Settings, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings, search, [f"{number}.jpg" for number in range(9)])
    monkeypatch.setattr(search_pages, "RESORTED", 5)
    page = SearchPages(search).first(Question(words="a dog"), Sort.NEWEST, 50)
    assert (len(page.hits), page.resorted, page.left_out) == (5, 5, None)


def test_pictures_to_compare_with_do_not_take_all_threads(
    settings: Settings, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings, search, ["a.jpg"])
    are_done, begun = threading.Event(), threading.Semaphore(0)

    def slow(inference: Inference, *_: object) -> np.ndarray:
        begun.release()
        are_done.wait(60)
        return np.array(vector_of("a.jpg", inference.embedding_producer.dimension or 0), np.float32)

    monkeypatch.setattr(search_service, "embed_picture", slow)
    with ThreadPoolExecutor(12) as threads:
        asked = [threads.submit(search.by_picture, Path("x.jpg"), 1, SearchFilter()) for _ in range(12)]
        assert begun.acquire(timeout=60) and begun.acquire(timeout=60)
        assert wait_until(lambda: sum(one.done() for one in asked) == 6, 60)
        are_done.set()
        failed = [one.exception() for one in asked]
    assert sum(isinstance(one, PicturesBusyError) for one in failed) == 6
    assert sum(one is None for one in failed) == 6


def test_an_example_that_is_gone(settings: Settings, search: Search) -> None:
    put(settings, search, ["a.jpg"])
    with pytest.raises(UnknownPhotographError, match="it may have been deleted"):
        SearchPages(search).first(Question(like=(point_id("gone.jpg"),)), None, 5)


def test_rankings_that_were_used_last_are_kept() -> None:
    def some(shown: object, count: int) -> Answer:
        return Answer([Hit(str(number), 0.5, "", str(number)) for number in range(count)], [])

    rankings = Rankings()
    made = [Ranking(some) for _ in range(300)]
    for ranking in made:
        rankings.keep(ranking)
        rankings.get(made[0].key)
    assert rankings.get(made[0].key) is made[0] and rankings.get(made[-1].key) is made[-1]
    with pytest.raises(ForgottenRankingError):
        rankings.get(made[1].key)


def test_the_vector_of_examples() -> None:
    right, up = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    assert mean_vector([right, up], []) == pytest.approx([0.5**0.5, 0.5**0.5])
    assert mean_vector([right], [up]) == pytest.approx([2 / 5**0.5, -1 / 5**0.5])
    assert mean_vector([right], [2 * right]) == pytest.approx([1, 0]), "nothing is left"
