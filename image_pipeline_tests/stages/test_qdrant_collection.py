"""Indexing and retiring: after a run the collection holds exactly the readable files, in both kinds of Qdrant."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import Collection, CollectionVersion
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.points import point_id
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.versions import complete_version, is_complete
from image_pipeline.errors import LibraryError, StoreError
from image_pipeline.files.deletions import DeletionLimit, Shrinkage
from image_pipeline.files.partition import Partition, partitions_of
from image_pipeline.progress import Progress, listening
from image_pipeline.schema.rows import DecodedContent, DiscoveredFile, Embedding, Stage
from image_pipeline.stages import qdrant_collection
from image_pipeline.stages.qdrant_collection import IndexedPartition, Indexer
from image_pipeline.stages.retire import is_gone, retire
from image_pipeline.storage.ledger import Ledger, LedgerEntry
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables
from image_pipeline_tests.stages.conftest import PROVENANCE, VERSIONS, StageRun
from image_pipeline_tests.storage.conftest import NEXT_VERSION, VERSION, sha256, unit_vector

ROME, OSLO = Partition("Rome"), Partition("Oslo")


@dataclass(frozen=True)
class Pipeline:
    """What a run has at hand, without Dagster and models."""

    qdrant: Qdrant
    tables: StageTables
    ledger: Ledger
    run_stages: StageRun

    def stages(self, partition: Partition, files: dict[str, str | None], bad: Sequence[str] = ()) -> None:
        """Run all stages of a partition that has changed: the first one says so in the ledger."""
        self.ledger.set_outdated([partition.key])
        self.run_stages(partition, files, bad)

    def index(
        self, partition: Partition, version: CollectionVersion = VERSION, run_id: str = "run-1"
    ) -> IndexedPartition | LedgerEntry:
        collection = self.qdrant.collection(version)
        collection.ensure()
        provenance = replace(PROVENANCE, versions={**VERSIONS, Stage.EMBEDDINGS: version.producer}, run_id=run_id)
        shrinkage = Shrinkage(DeletionLimit(0.2), collection.count())
        indexer = Indexer(collection, self.tables, self.ledger, provenance, "recipe 1", shrinkage)
        with indexer.locked([partition]) as index:
            return index(partition)

    def retire(self, *keys: str) -> int:
        return retire(self.qdrant, self.tables, self.ledger, keys)

    def paths(self) -> dict[str, str]:
        """What a search sees: path → partition."""
        target = self.qdrant.alias_target()
        assert target is not None
        records = list(self.qdrant.points(target).stray_points(()))
        assert all(record.id == point_id(str(record.path)) for record in records)
        return {str(record.path): str(record.partition_key) for record in records}

    def counts(self, indexed: IndexedPartition | LedgerEntry) -> tuple[int, int, int]:
        """Points that were written, deleted, and right as they were."""
        if isinstance(indexed, LedgerEntry):
            return 0, 0, indexed.indexed
        return indexed.upserted, indexed.deleted, indexed.unchanged


@pytest.fixture
def pipeline(any_address: QdrantAddress, tables: StageTables, store: Store, run_stages: StageRun) -> Iterator[Pipeline]:
    with any_address.connect(VERSION.alias) as qdrant:
        yield Pipeline(qdrant, tables, Ledger(store.ledger_file), run_stages)


def test_the_collection_follows_the_directory(pipeline: Pipeline, any_address: QdrantAddress) -> None:
    pipeline.stages(ROME, {"a.jpg": "sea", "b.jpg": "sun", "bad.jpg": "rubbish"}, bad=["rubbish"])
    first = pipeline.index(ROME)
    assert pipeline.counts(first) == (2, 0, 0)
    assert pipeline.paths() == {"Rome/a.jpg": "Rome", "Rome/b.jpg": "Rome"}
    assert pipeline.counts(pipeline.index(ROME, run_id="run-2")) == (0, 0, 2), "nothing is written twice"

    # one file edited, one renamed, one new, and the bad one mended
    pipeline.stages(ROME, {"a.jpg": "sand", "sun.jpg": "sun", "new.jpg": "moon", "bad.jpg": "stars"})
    assert pipeline.counts(pipeline.index(ROME, run_id="run-3")) == (4, 1, 0)
    assert pipeline.paths().keys() == {"Rome/a.jpg", "Rome/sun.jpg", "Rome/new.jpg", "Rome/bad.jpg"}
    points = pipeline.qdrant.points(VERSION.name)
    (record,) = (one for one in points.scroll(["Rome"]) if one.path == "Rome/a.jpg")
    rounding = 2**-11 if isinstance(any_address, EdgeAddress) else 1e-7
    assert record.vector == pytest.approx(np.array(unit_vector("sand")), rel=0, abs=rounding)
    assert (points.payload("Rome/a.jpg") or {})["sha256"] == sha256("sand")

    pipeline.stages(ROME, {})
    assert pipeline.counts(pipeline.index(ROME)) == (0, 4, 0)
    assert pipeline.paths() == {}


def test_a_long_run_tidies_up_in_between(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    tidied: list[int] = []
    monkeypatch.setattr(qdrant_collection, "TIDY_POINTS", 3)
    monkeypatch.setattr(Collection, "tidy", lambda collection: tidied.append(collection.count()))
    partitions = [Partition(str(number)) for number in range(5)]
    for partition in partitions:
        pipeline.stages(partition, {f"{name}.jpg": f"{partition.key} {name}" for name in "ab"})
    collection = pipeline.qdrant.collection(VERSION)
    collection.ensure()
    provenance = replace(PROVENANCE, versions={**VERSIONS, Stage.EMBEDDINGS: VERSION.producer})
    shrinkage = Shrinkage(DeletionLimit(0.2), 0)
    indexer = Indexer(collection, pipeline.tables, pipeline.ledger, provenance, "recipe 1", shrinkage)
    with indexer.locked(partitions) as index:
        for partition in partitions:
            index(partition)
    assert tidied == [4, 8, 10], "after every three points, and at the end"
    assert len(pipeline.paths()) == 10


def test_what_is_unchanged_is_not_read_or_written_again(pipeline: Pipeline, store: Store) -> None:
    pipeline.stages(ROME, {"a.jpg": "sea", "b.jpg": "sun"})
    pipeline.index(ROME)
    entry = pipeline.ledger.entries()["Rome"]
    table = store.table_file(Embedding.stage, "Rome")
    content = table.read_bytes()
    table.write_bytes(content[:100] + b"damage" + content[106:])
    assert pipeline.index(ROME, run_id="run-2") == entry == pipeline.ledger.entries()["Rome"]
    table.write_bytes(content)

    # whatever tells otherwise has it done again
    pipeline.qdrant.points(VERSION.name).delete_points([point_id("Rome/a.jpg")])
    assert pipeline.counts(pipeline.index(ROME, run_id="run-3")) == (1, 0, 1), "a point was lost"
    pipeline.ledger.set_outdated(["Rome"])
    assert isinstance(pipeline.index(ROME, run_id="run-4"), IndexedPartition)
    assert isinstance(pipeline.index(ROME, NEXT_VERSION, run_id="run-5"), IndexedPartition)
    table.write_bytes(bytes(len(content)))
    assert pipeline.index(ROME, NEXT_VERSION) == pipeline.ledger.entries()["Rome"]
    with pytest.raises(StoreError, match="materialize embeddings for it first"):
        pipeline.index(ROME)
    table.write_bytes(content)
    again = pipeline.index(ROME, NEXT_VERSION, run_id="run-6")
    assert isinstance(again, IndexedPartition), "a damaged table has all stages made again"


def test_what_a_late_run_takes_from_the_parts_of_a_directory_is_given_back(pipeline: Pipeline) -> None:
    half = Partition("Rome", 0, 2)
    name = next(f"{n}.jpg" for n in range(9) if half.holds(f"{n}.jpg"))
    pipeline.stages(half, {name: "sea"})
    pipeline.index(half)
    pipeline.stages(ROME, {name: "sea"})
    pipeline.index(ROME)
    assert pipeline.paths() == {f"Rome/{name}": "Rome"}
    assert isinstance(pipeline.index(half), IndexedPartition)
    assert pipeline.paths() == {f"Rome/{name}": half.key}


def test_partitions_do_not_touch_each_other(pipeline: Pipeline) -> None:
    for partition in (ROME, OSLO):
        pipeline.stages(partition, {"a.jpg": "sea", "b.jpg": "sea"})
        pipeline.index(partition)
    pipeline.stages(OSLO, {})
    pipeline.index(OSLO)
    assert pipeline.paths().keys() == {"Rome/a.jpg", "Rome/b.jpg"}


def test_the_ledger_tells_what_was_ingested(pipeline: Pipeline) -> None:
    pipeline.stages(ROME, {"a.jpg": "sea", "copy.jpg": "sea", "bad.jpg": "rubbish"}, bad=["rubbish"])
    indexed = pipeline.index(ROME)
    entry = pipeline.ledger.entries()["Rome"]
    assert entry.fingerprint == pipeline.tables.read_noted(DiscoveredFile, "Rome")[1] != ""
    assert (entry.files, entry.indexed, entry.quarantined) == (3, 2, 1)
    assert (entry.collection, entry.recipe, entry.run_id) == (VERSION.name, "recipe 1", "run-1")
    assert isinstance(indexed, IndexedPartition)
    assert pipeline.ledger.quarantine() == indexed.quarantine
    assert [(file.path, file.reason) for file in indexed.quarantine] == [("Rome/bad.jpg", "corrupt")]

    pipeline.stages(ROME, {"a.jpg": "sea", "locked.jpg": None})
    pipeline.index(ROME)
    assert pipeline.ledger.entries()["Rome"].fingerprint == "", "it is looked at again"


def test_progress_is_told(pipeline: Pipeline) -> None:
    pipeline.stages(ROME, {f"{n}.jpg": f"{n}" for n in range(3)})
    told: list[Progress] = []
    with listening(told.append):
        pipeline.index(ROME)
    stage = "qdrant_collection"
    assert told == [Progress(stage, 0, 3, 0), Progress(stage, 3, 3, 3)]


def test_a_stage_that_has_not_run_stops_the_indexing(pipeline: Pipeline, store: Store) -> None:
    pipeline.stages(ROME, {"a.jpg": "sea"})
    pipeline.index(ROME)
    store.table_file(Embedding.stage, "Rome").unlink()
    with pytest.raises(StoreError, match="materialize embeddings for it first"):
        pipeline.index(ROME)
    assert pipeline.paths().keys() == {"Rome/a.jpg"}


@pytest.mark.parametrize("older", ["content_hashes", "decoded_tensors", "embeddings"])
def test_tables_of_different_runs_lose_no_file(pipeline: Pipeline, store: Store, older: str) -> None:
    pipeline.stages(ROME, {"a.jpg": "sea"})
    pipeline.index(ROME)
    table = store.table_file(older, "Rome")
    kept = table.read_bytes()
    pipeline.stages(ROME, {"a.jpg": "sea", "new.jpg": "sun"})
    table.write_bytes(kept)
    with pytest.raises(StoreError, match=rf"{older} of partition 'Rome' are older .*materialize all stages"):
        pipeline.index(ROME)
    assert pipeline.ledger.entries()["Rome"].fingerprint.startswith("~"), "it does not count as ingested"


def test_what_a_newer_decoder_refuses_is_in_quarantine_alone(pipeline: Pipeline) -> None:
    pipeline.stages(ROME, {"a.jpg": "sea"})
    pipeline.index(ROME)
    pipeline.ledger.set_outdated(["Rome"])
    refused = DecodedContent(sha256("sea"), None, None, "decoder 2", "truncated", "ends early")
    pipeline.tables.write(DecodedContent, "Rome", [refused])
    indexed = pipeline.index(ROME)
    assert isinstance(indexed, IndexedPartition)
    assert (indexed.points, len(indexed.quarantine), indexed.deleted) == ([], 1, 1)


def test_a_directory_that_splits_keeps_its_points_at_all_times(pipeline: Pipeline, tmp_path: Path) -> None:
    names = {f"{n}.jpg": f"{n}" for n in range(12)}
    library = tmp_path / "library"
    (library / "Rome").mkdir(parents=True)
    for name in names:
        (library / "Rome" / name).touch()
    pipeline.stages(ROME, dict(names))
    pipeline.index(ROME)
    parts = partitions_of("Rome", 12, 6)
    for part in parts:
        assert not is_gone(library, ROME, pipeline.ledger.entries())
        pipeline.stages(part, {name: content for name, content in names.items() if part.holds(name)})
        pipeline.index(part)
        assert len(pipeline.paths()) == 12
    assert is_gone(library, ROME, pipeline.ledger.entries())
    assert pipeline.retire("Rome") == 0, "its points are the parts' by now"
    assert set(pipeline.paths().values()) == {part.key for part in parts}
    assert pipeline.ledger.entries().keys() == {part.key for part in parts}


def test_a_partition_that_is_gone_leaves_nothing(pipeline: Pipeline, store: Store) -> None:
    for partition in (ROME, OSLO):
        pipeline.stages(partition, {"a.jpg": "sea", "bad.jpg": "rubbish"}, bad=["rubbish"])
        pipeline.index(partition)
        store.tensor_directory(partition.key, f"{uuid4()}-0").mkdir(parents=True)  # of a run that was killed
    assert pipeline.retire("Rome") == 1
    assert pipeline.paths().keys() == {"Oslo/a.jpg"}
    assert pipeline.ledger.entries().keys() == {"Oslo"}
    assert [file.path for file in pipeline.ledger.quarantine()] == ["Oslo/bad.jpg"]
    assert pipeline.tables.read_if_exists(DiscoveredFile, "Rome") is None
    assert not store.tensor_directories("Rome").exists()
    assert store.tensor_directories("Oslo").exists()
    assert pipeline.retire("Rome") == 0


def test_gone_is_what_is_no_more_on_disk(tmp_path: Path) -> None:
    library = tmp_path / "library"
    (library / "Rome").mkdir(parents=True)
    (library / "Rome/a.jpg").touch()
    assert not is_gone(library, ROME, {})
    assert is_gone(library, OSLO, {})
    part = next(part for part in partitions_of("Rome", 2, 1) if not part.holds("a.jpg"))
    assert is_gone(library, part, {})
    (library / "Rome").rename(library / "Napoli")
    assert is_gone(library, ROME, {})
    (library / "Rome").symlink_to(library / "Napoli")
    assert is_gone(library, ROME, {}), "a link is not followed"
    shutil.rmtree(library)
    with pytest.raises(LibraryError, match="does not exist"):
        is_gone(library, ROME, {})
    library.mkdir()
    with pytest.raises(LibraryError, match="is empty, although files of it were ingested: mount it"):
        is_gone(library, ROME, {})


def test_the_next_version_is_searched_once_it_is_complete(pipeline: Pipeline) -> None:
    for partition in (ROME, OSLO):
        pipeline.stages(partition, {"a.jpg": "sea"})
        pipeline.index(partition)
    following = pipeline.qdrant.collection(NEXT_VERSION)
    for partition, deleted in ((ROME, []), (OSLO, [VERSION.name])):
        assert not is_complete(NEXT_VERSION.name, pipeline.ledger.entries())
        pipeline.index(partition, NEXT_VERSION)
        assert pipeline.paths().keys() == {"Rome/a.jpg", "Oslo/a.jpg"}, "search goes on"
        assert complete_version(following, pipeline.ledger.entries()) == deleted
    assert pipeline.qdrant.alias_target() == NEXT_VERSION.name
    assert pipeline.qdrant.versions() == [NEXT_VERSION.name]
    assert pipeline.paths().keys() == {"Rome/a.jpg", "Oslo/a.jpg"}


def test_a_version_that_waited_only_for_what_is_gone_is_searched_then(pipeline: Pipeline) -> None:
    for partition in (ROME, OSLO):
        pipeline.stages(partition, {"a.jpg": "sea"})
        pipeline.index(partition)
    pipeline.index(ROME, NEXT_VERSION)
    assert pipeline.qdrant.alias_target() == VERSION.name
    assert pipeline.retire("Oslo") == 1
    assert pipeline.qdrant.alias_target() == NEXT_VERSION.name
    assert pipeline.qdrant.versions() == [NEXT_VERSION.name]
    assert pipeline.paths().keys() == {"Rome/a.jpg"}


def test_a_version_that_is_being_built_outlives_a_retirement(pipeline: Pipeline) -> None:
    for partition in (ROME, OSLO):
        pipeline.stages(partition, {"a.jpg": "sea"})
        pipeline.index(partition)
    pipeline.qdrant.collection(NEXT_VERSION).ensure()
    pipeline.retire("Oslo")
    assert pipeline.qdrant.alias_target() == VERSION.name
    assert set(pipeline.qdrant.versions()) == {VERSION.name, NEXT_VERSION.name}
