"""The relevance cut: what is close to words, in collections of the demo models and of others."""

import math
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.search_filter import SearchFilter, Span
from image_pipeline.demo.scenes import Scene, caption, random_scene
from image_pipeline.inference.calibration import cut_factor
from image_pipeline.services.relevance import NEUTRAL_TEXTS, NeutralScores, RelevanceCut
from image_pipeline.services.search import Answer, Search
from image_pipeline.settings import DType, Settings, load_settings
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline_tests.support.raw_qdrant import settings_of
from image_pipeline_tests.support.scene_points import fill, scene_vectors

COUNT = 80
NOT_IN_IT = ("a purple elephant", "my grandmother's kitchen", "qwxyz plugh", "the", "a photograph", "🦓")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Inference:
    return load_inference("demo", DType.AUTO, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    rng = np.random.default_rng(71)
    return list(dict.fromkeys(random_scene(rng, held_out=True) for _ in range(COUNT)))


@pytest.fixture(scope="module")
def vectors(demo: Inference, scenes: list[Scene]) -> np.ndarray:
    return scene_vectors(demo, scenes)


@pytest.fixture
def settings(tmp_path: Path, qdrant_address: QdrantAddress) -> Settings:
    return load_settings(home=tmp_path, models="demo", **settings_of(qdrant_address))


def numbers(answer: Answer) -> set[int]:
    return {int(hit.path) for hit in answer.hits}


def test_a_search_says_that_nothing_close_is_there(
    settings: Settings, vectors: np.ndarray, scenes: list[Scene]
) -> None:
    fill(settings, vectors)
    with Search(settings, address_of(settings)) as search:
        for words in NOT_IN_IT:
            answer = search.by_words(words, 10, SearchFilter())
            assert (answer.hits, answer.left_out, answer.is_calibrated) == ([], 10, True), words
            shown = search.by_words(words, 10, SearchFilter(), only_close=False)
            assert (len(shown.hits), shown.left_out) == (10, 0)
            assert {hit.close for hit in shown.hits} == {False}
        found = [
            number in numbers(search.by_words(caption(scene), 5, SearchFilter())) for number, scene in enumerate(scenes)
        ]
        assert np.mean(found) >= 0.9
        few = search.by_words(caption(scenes[0]), COUNT, SearchFilter())
        assert 0 in numbers(few) and len(few.hits) < COUNT / 4 and {hit.close for hit in few.hits} == {True}
        assert few.left_out == len(scenes) - len(few.hits)
        every = search.by_words(caption(scenes[0]), COUNT, SearchFilter(), only_close=False)
        assert [hit for hit in every.hits if hit.close] == few.hits == every.hits[: len(few.hits)]


def test_the_cut_of_a_filtered_search_is_that_of_the_whole_collection(
    settings: Settings, vectors: np.ndarray, scenes: list[Scene]
) -> None:
    fill(settings, vectors)
    with Search(settings, address_of(settings)) as search:
        few = search.by_words(caption(scenes[3]), COUNT, SearchFilter())
        only = search.by_words(caption(scenes[3]), COUNT, SearchFilter(rating=Span(3, 9)))
        assert numbers(only) == numbers(few) & set(range(3, 10)) and 3 in numbers(only)
        assert only.left_out == 7 - len(only.hits)
        assert search.by_words("a purple elephant", 10, SearchFilter(rating=Span(3, 3))).hits == []


def test_photographs_that_have_the_words_are_close_whatever_their_score(
    settings: Settings, vectors: np.ndarray
) -> None:
    payloads = {
        1: {"caption": "a purple elephant in the zoo"},
        2: {"caption": "a purple heart"},
        3: {"people": ["Purple Rain"]},
        4: {"keywords": ["elephants"]},
        5: {"description": "the zoo"},
        6: {"directory": "elephant walk"},
    }
    fill(settings, vectors, payloads)
    with Search(settings, address_of(settings)) as search:
        assert numbers(search.by_words("a purple elephant", 10, SearchFilter())) == {1, 3, 4}
        shown = search.by_words("a purple elephant", COUNT, SearchFilter(), only_close=False).hits
        assert {int(hit.path) for hit in shown[:3]} == {1, 3, 4}, "what is close comes first"
        assert [hit.close for hit in shown] == [True] * 3 + [False] * (len(vectors) - 3)


def test_in_a_small_collection_nothing_is_left_out(settings: Settings, vectors: np.ndarray) -> None:
    fill(settings, vectors[:31])
    with Search(settings, address_of(settings)) as search:
        answer = search.by_words("qwxyz plugh", 100, SearchFilter())
        assert (len(answer.hits), answer.left_out, answer.is_calibrated) == (31, 0, True)
        assert {hit.close for hit in answer.hits} == {None}
        fill(settings, vectors[:32])  # in the same process: a collection that was small is looked at again
        assert search.by_words("qwxyz plugh", 100, SearchFilter()).hits == []


def test_nothing_is_left_out_for_a_model_that_is_not_calibrated(
    tmp_path: Path, clip_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(home=tmp_path, models=f"{clip_directory},none")
    inference = load_inference(settings.models, settings.dtype, settings.home)
    dimension = inference.embedding_producer.dimension
    assert dimension is not None and cut_factor(inference.embedding_producer) is None
    rng = np.random.default_rng(5)
    drawn = rng.standard_normal((40, dimension)).astype(np.float32)
    fill(settings, drawn / np.linalg.norm(drawn, axis=1, keepdims=True))
    with Search(settings, address_of(settings)) as search:
        answer = search.by_words("qwxyz plugh", 100, SearchFilter())
    assert (len(answer.hits), answer.left_out, answer.is_calibrated) == (40, 0, False)
    assert {hit.close for hit in answer.hits} == {None}


def test_the_bundled_embedder_is_calibrated_in_every_number_format(tmp_path: Path) -> None:
    for dtype in DType:
        assert cut_factor(load_inference("demo", dtype, tmp_path).embedding_producer) is not None


def test_the_threshold() -> None:
    texts = np.eye(4, dtype=np.float32)[:2]
    sample = np.array([[0.6, 0.0, 0.8, 0.0], [0.0, 0.2, 0.0, math.sqrt(0.96)]], np.float32)
    neutral = NeutralScores.of(texts, sample)
    assert neutral.mean == pytest.approx(0.2) and neutral.deviation == pytest.approx(math.sqrt(0.06))
    apart, near = np.eye(4, dtype=np.float32)[2], np.array([0.8, 0.0, 0.6, 0.0], np.float32)
    assert neutral.cut(apart, 2.0) == pytest.approx(0.2 + 2 * math.sqrt(0.06))
    assert neutral.cut(near, 2.0) == pytest.approx(2 * math.sqrt(0.06) / 0.2)
    assert neutral.cut(texts[1], 2.0) == math.inf


def test_the_sample_is_read_once_for_each_version(demo: Inference, vectors: np.ndarray) -> None:
    reads: list[int] = []

    def sample(count: int) -> np.ndarray:
        reads.append(count)
        return vectors

    cut, query = RelevanceCut(), vectors[0]
    first = cut.of("one", demo, query, sample)
    assert cut.of("one", demo, query, sample) == first and reads == [512]
    cut.of("another", demo, query, sample)
    cut.of("another", demo, vectors[1], sample)
    assert reads == [512, 512]


def test_neutral_texts_differ() -> None:
    assert len(set(NEUTRAL_TEXTS)) == 16
