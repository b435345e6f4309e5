"""Counts of the embedded Qdrant after random changes: facets and counts, with and without a filter."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import qdrant_edge as qe

from image_pipeline.collection.edge.engine import EdgeEngine
from image_pipeline.collection.edge.opened import Opened
from image_pipeline.collection.edge.turns import Turns
from image_pipeline.collection.points import Point, point_id
from image_pipeline.collection.where import ANYWHERE, Ids, Numbers, OneOf, Where
from image_pipeline.collection.words import VECTOR
from image_pipeline.schema.column import Index

NAME = "a--1"
Payload = dict[str, Any]
FILTERS: list[tuple[Where, Callable[[Payload], bool]]] = [
    (ANYWHERE, lambda payload: True),
    (Where(must=[]), lambda payload: True),
    (Where(must=[Numbers("year", gte=2003)]), lambda payload: payload["year"] >= 2003),
    (Where(must_not=[OneOf("camera", ["c1", "c2"])]), lambda payload: payload["camera"] not in ("c1", "c2")),
]


EAGER = qe.EdgeConfig(
    vectors=qe.EdgeVectorParams(
        size=4,
        distance=qe.Distance.Cosine,
        datatype=qe.VectorStorageDatatype.Float16,
        memory=qe.Memory.Cold,
        hnsw_config=qe.HnswIndexConfig(m=0, ef_construct=16, full_scan_threshold=0, payload_m=0),
    ),
    sparse_vectors={VECTOR: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
    optimizers=qe.EdgeOptimizersConfig(indexing_threshold=1, deleted_threshold=0.05, vacuum_min_vector_number=100),
)
"""Makes segments as soon as there is a reason."""


class HeldTurn:
    """A turn that is never given away."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    @contextmanager
    def use(self) -> Iterator[Opened]:
        yield self._opened


class Library:
    """Points in an open shard, and the same in a dictionary."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.random, self.directory = random.Random(seed), directory
        self.points: dict[str, Payload] = {}
        self.segments: set[int] = set()
        self.opened = Opened(directory)
        self.engine.create(NAME, 4, {})
        self.engine.create_indexes(NAME, {"keywords": Index.KEYWORD, "camera": Index.KEYWORD, "year": Index.INTEGER})

    @property
    def engine(self) -> EdgeEngine:
        return EdgeEngine(cast("Turns[Opened]", HeldTurn(self.opened)))

    def change(self) -> None:
        """Write, change or delete some points; or open the files again, as the next process does."""
        some = [point_id(str(self.random.randrange(600))) for _ in range(self.random.randrange(1, 120))]
        match self.random.choice(["upsert"] * 4 + ["delete", "delete camera", "set", "reopen", "optimize"]):
            case "upsert":
                written = {id_: self.payload() for id_ in some}
                self.points |= written
                points = [Point(id_, [self.random.random() for _ in range(4)], one) for id_, one in written.items()]
                self.engine.upsert(NAME, points)
            case "delete":
                self.engine.delete(NAME, Where(must=[Ids(some)]))
                self.points = {id_: one for id_, one in self.points.items() if id_ not in some}
            case "delete camera":
                self.engine.delete(NAME, Where(must=[OneOf("camera", ["c3"])]))
                self.points = {id_: one for id_, one in self.points.items() if one["camera"] != "c3"}
            case "set":
                self.engine.set_payload(NAME, Where(must=[Ids(some)]), {"keywords": ["k0"]})
                for id_ in self.points.keys() & set(some):
                    self.points[id_]["keywords"] = ["k0"]
            case "reopen":
                self.opened.close()
                self.opened = Opened(self.directory)
            case "optimize":  # as a compaction does: afterwards, there are several segments
                folder = self.directory / self.opened.entry(NAME).folder
                self.opened.close()
                shard = qe.EdgeShard.load(str(folder), EAGER)
                shard.optimize()
                self.segments.add(shard.info().segments_count)
                shard.close()
                self.opened = Opened(self.directory)

    def payload(self) -> Payload:
        return {
            "keywords": [f"k{self.random.randrange(12)}" for _ in range(self.random.randrange(4))],
            "camera": f"c{self.random.randrange(5)}",
            "year": 2000 + self.random.randrange(6),
        }


def test_counts_are_exact_whatever_was_written_before(tmp_path: Path) -> None:
    segments = set()
    for seed in range(4):
        library = Library(tmp_path / str(seed), seed)
        for _ in range(30):
            library.change()
            for where, matches in FILTERS:
                found = [one for one in library.points.values() if matches(one)]
                assert library.engine.count(NAME, where) == len(found)
                for field in ("keywords", "camera"):
                    values = (set(one[field]) if field == "keywords" else {one[field]} for one in found)
                    expected = Counter(value for some in values for value in some)
                    assert library.engine.facet(NAME, field, where, 100) == expected, (seed, field, where)
        library.opened.close()
        segments |= library.segments
    assert 2 in segments, "no optimisation made a second segment"
