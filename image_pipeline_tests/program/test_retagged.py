"""An image goes through a model once, ever: not again after its metadata were changed, nor with a newer decoder."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import address_of
from image_pipeline.collection.hits import Hit
from image_pipeline.collection.points import Point, payload_digest
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.demo.drawing import draw
from image_pipeline.demo.scenes import random_scene
from image_pipeline.imaging.pool import DecodeTask, WorkerPool
from image_pipeline.services.search import Search
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.raw_qdrant import all_points, open_engine, settings_of
from image_pipeline_tests.support.retagging import FORMATS

_DECODER_VERSION = "image_pipeline.stages.decoded_tensors.decoder_version"


@pytest.fixture
def pipeline(tmp_path: Path, qdrant_address: QdrantAddress) -> Pipeline:
    """An empty library, with Qdrant embedded and as a server."""
    return Pipeline.below(tmp_path, models="demo", **settings_of(qdrant_address))


def write_all(directory: Path, keyword: str) -> None:
    """Write a scene of its own in each format, all with a keyword."""
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(4)
    for ending, make in FORMATS.items():
        picture = draw(random_scene(rng, held_out=True), (256, 192), rng)
        (directory / f"a.{ending}").write_bytes(make(picture, keyword))


def found(pipeline: Pipeline) -> list[Hit]:
    with Search(pipeline.settings, address_of(pipeline.settings)) as search:
        return search.by_words("a red circle", 20, SearchFilter()).hits


def forget_pixels(pipeline: Pipeline) -> None:
    """Turn the store and the collection into those of a version that did not know of pixels."""
    home = pipeline.settings.home
    with closing(sqlite3.connect(home / "cache/content.sqlite")) as connection, connection:
        connection.execute("DROP TABLE pixels")
        connection.execute("PRAGMA user_version = 0")
        values = connection.execute("SELECT producer, sha256, value FROM content WHERE producer LIKE 'decode-%'")
        for producer, sha256, value in values.fetchall():
            row = json.loads(value)
            del row["pixels"]
            older = (json.dumps(row).encode(), producer, sha256)
            connection.execute("UPDATE content SET value = ? WHERE producer = ? AND sha256 = ?", older)
    for file in (home / "tables/decoded_tensors").glob("*.parquet"):
        table = pq.read_table(file)
        pq.write_table(table.drop_columns(["pixels"]), file)
    with open_engine(address_of(pipeline.settings)) as engine:
        version = engine.aliases()[pipeline.settings.collection]
        for point in all_points(engine, version):
            assert point.vector is not None
            payload = {name: value for name, value in point.payload.items() if name not in ("pixels", "digest")}
            payload["digest"] = payload_digest(payload)
            engine.upsert(version, [Point(point.id, point.vector.tolist(), payload)])


def test_a_file_whose_metadata_changed_goes_through_no_model(pipeline: Pipeline) -> None:
    write_all(pipeline.root / "trip", "sea")
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned, summary.quarantined) == (len(FORMATS), len(FORMATS), 0)
    before = pipeline.points()
    write_all(pipeline.root / "trip", "sun and sea")
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned, summary.indexed) == (0, 0, len(FORMATS))
    after = pipeline.points()
    assert after.keys() == before.keys()
    for path, payload in after.items():
        assert payload["sha256"] != before[path]["sha256"], path
        assert payload["pixels"] == before[path]["pixels"], path
        assert payload["pixels"].endswith("-256x192"), path
        assert payload["caption"] == before[path]["caption"], path


def test_a_file_and_its_retagged_copy_are_one_hit(pipeline: Pipeline) -> None:
    write_all(pipeline.root / "a", "sea")
    write_all(pipeline.root / "b", "sun and sea")
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned, summary.indexed) == (len(FORMATS), len(FORMATS), 2 * len(FORMATS))
    hits = found(pipeline)
    assert {hit.path: hit.copies for hit in hits} == {f"a/a.{ending}": (f"b/a.{ending}",) for ending in FORMATS}
    sha256s = {path: payload["sha256"] for path, payload in pipeline.points().items()}
    assert all(hit.sha256 == sha256s[hit.path] != sha256s[hit.copies[0]] for hit in hits)


def test_pictures_of_one_colour_and_different_sizes_are_no_copies(pipeline: Pipeline) -> None:
    (pipeline.root / "trip").mkdir()
    for side in (300, 400):
        Image.new("RGB", (side, side), "navy").save(pipeline.root / f"trip/{side}.png")
    pipeline.ingest()
    assert sorted((hit.path, hit.copies) for hit in found(pipeline)) == [("trip/300.png", ()), ("trip/400.png", ())]


def test_a_new_decoder_version_sends_nothing_through_a_model(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all(pipeline.root / "trip", "sea")
    pipeline.ingest()
    monkeypatch.setattr(_DECODER_VERSION, lambda: "decode-next")
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned, summary.indexed) == (0, 0, len(FORMATS))
    write_all(pipeline.root / "trip", "sun and sea")
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned, summary.indexed) == (0, 0, len(FORMATS))


def test_an_older_store_goes_on_without_a_model(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    write_all(pipeline.root / "trip", "sea")
    pipeline.ingest()
    forget_pixels(pipeline)
    assert len(found(pipeline)) == len(FORMATS)
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned, summary.unchanged) == (0, 0, len(FORMATS))
    assert not any("pixels" in point for point in pipeline.points().values()), "it was left as it is"

    draw_scenes(pipeline.root / "trip", 1)
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned) == (1, 1)
    assert all("pixels" in point for point in pipeline.points().values()), "they were decoded again"

    monkeypatch.setattr(_DECODER_VERSION, lambda: "decode-next")
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned) == (0, 0)
    assert all("pixels" in point for point in pipeline.points().values())
    write_all(pipeline.root / "more", "sun and sea")
    summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned) == (0, 0)
    assert {hit.path: len(hit.copies) for hit in found(pipeline)} == {
        "trip/a0.jpg": 0,
        **{f"more/a.{ending}": 1 for ending in FORMATS},
    }


def decoded_in_run(pipeline: Pipeline) -> int:
    """The number of images that the next ingestion decodes."""
    decoded: list[str] = []
    original = WorkerPool.decode

    def counted(self: WorkerPool, tasks: Iterable[DecodeTask], *others: Any) -> Iterator[Any]:
        kept = list(tasks)
        decoded.extend(task.key for task in kept)
        return original(self, kept, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WorkerPool, "decode", counted)
        summary = pipeline.ingest()
    assert (summary.embedded, summary.captioned, summary.quarantined) == (0, 0, 0)
    return len(decoded)


def test_an_older_store_learns_the_pixels_of_each_image_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever makes a directory be processed after the upgrade: here, a newer reader of metadata."""
    version = "image_pipeline.stages.image_metadata.metadata_version"
    write_all(pipeline.root / "trip", "sea")
    pipeline.ingest()
    forget_pixels(pipeline)
    monkeypatch.setattr(version, lambda: "metadata-next")
    assert decoded_in_run(pipeline) == len(FORMATS)
    monkeypatch.setattr(version, lambda: "metadata-after-next")
    assert decoded_in_run(pipeline) == 0

    before = pipeline.points()
    write_all(pipeline.root / "trip", "sun and sea")
    assert decoded_in_run(pipeline) == len(FORMATS)
    after = pipeline.points()
    assert [payload["pixels"] for payload in after.values()] == [payload["pixels"] for payload in before.values()]
    assert after["trip/a.jpg"]["caption"] == before["trip/a.jpg"]["caption"]


def test_an_image_that_can_no_longer_be_decoded_is_tried_once_for_its_pixels(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps its point, as what was made of it stays valid."""
    version = "image_pipeline.stages.image_metadata.metadata_version"
    draw_scenes(pipeline.root / "trip", 3)
    pipeline.ingest()
    forget_pixels(pipeline)
    limited = pipeline.with_settings(decode_pixels=100)
    for name in ("metadata-next", "metadata-after-next"):
        monkeypatch.setattr(version, lambda name=name: name)
        assert decoded_in_run(limited) == (3 if name == "metadata-next" else 0)
        assert len(pipeline.points()) == 3
