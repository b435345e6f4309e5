"""Searches while another model's version of the collection takes over."""

import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import CollectionVersion
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.embedded import EmbeddedAddress
from image_pipeline.collection.points import make_point
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.versions import complete_version
from image_pipeline.services.search import Search
from image_pipeline.settings import DType, Settings, load_settings
from image_pipeline.stages.models import load_inference
from image_pipeline_tests.support.raw_qdrant import settings_of

_MOST_SECONDS = 60.0
_SEARCHES = 40


@pytest.fixture
def settings(tmp_path: Path, qdrant_address: QdrantAddress) -> Iterator[Settings]:
    store = qdrant_address.directory.parent if isinstance(qdrant_address, EmbeddedAddress) else tmp_path
    yield load_settings(home=store, models="demo", **settings_of(qdrant_address))


def complete(address: QdrantAddress, version: CollectionVersion) -> None:
    """Build a version beside the one that is searched, and let it take over, as a run does."""
    with address.connect(version.alias) as qdrant:
        collection = qdrant.collection(version)
        collection.ensure()
        vector = [1.0, *[0.0] * (version.dimension - 1)]
        list(collection.upsert([make_point(f"{n}.jpg", vector, {"partition": ".", "sha256": str(n)}) for n in "ab"]))
        complete_version(collection, {})


def test_no_search_fails_while_another_model_takes_over(settings: Settings, clip_directory: Path) -> None:
    address = address_of(settings)
    versions = [
        load_inference(models, DType.AUTO, settings.home).collection_version(settings.collection)
        for models in ("demo", f"{clip_directory},none")
    ]
    assert versions[0].dimension != versions[1].dimension
    complete(address, versions[0])
    answered, ended = threading.Event(), threading.Event()
    taken_over: list[str] = []

    def take_over() -> None:
        """One version after the other, at whatever moment of a search that comes to; one at most in each search."""
        while not ended.is_set():
            if not answered.wait(0.1):
                continue
            version = versions[(len(taken_over) + 1) % 2]
            complete(address, version)
            answered.clear()  # the search that this was in has to end before the next one
            taken_over.append(version.name)

    thread = threading.Thread(target=take_over)
    with Search(settings, address) as search:
        for _ in range(2):  # both models are loaded before
            search.by_words("a red circle", 5, SearchFilter())
            complete(address, versions[1])
        complete(address, versions[0])
        thread.start()
        try:
            ends_at = time.monotonic() + _MOST_SECONDS
            for number in count():
                if time.monotonic() > ends_at or (number >= _SEARCHES and len(set(taken_over)) == 2):
                    break
                hits = search.by_words(f"a red circle {number}", 5, SearchFilter()).hits
                assert sorted(hit.path for hit in hits) == ["a.jpg", "b.jpg"]
                answered.set()
        finally:
            ended.set()
            answered.set()
            thread.join()
    assert len(set(taken_over)) == 2, "both took over, time and again"


def test_what_is_searched_needs_no_models_but_its_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ingested with `--models demo`, searched without it: the settings' models may never have been on this machine."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    address = address_of(settings)
    complete(address, load_inference("demo", DType.AUTO, settings.home).collection_version(settings.collection))
    elsewhere = settings.model_copy(update={"models": "nobody/nowhere,none"})
    with Search(elsewhere, address) as search:
        assert len(search.by_words("a red circle", 5, SearchFilter()).hits) == 2
