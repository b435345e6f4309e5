"""The simple model of truth: what the collection and the store must hold for the library that is on disk now."""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from image_pipeline.collection.connection import address_of
from image_pipeline.collection.points import point_id
from image_pipeline.files.names import from_text, to_text
from image_pipeline.files.partition import Partition
from image_pipeline.schema.rows import Stage
from image_pipeline.settings import Settings
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.store import Store, file_stem
from image_pipeline_tests.histories.pool import Pool
from image_pipeline_tests.support.raw_qdrant import held_points

_PICTURES = (".bmp", ".gif", ".jpg", ".png", ".tif", ".webp")
_VECTOR_TOLERANCE = 1e-4
_HALF_ROUNDING = 2.0**-12  # of numbers below 1; the embedded Qdrant keeps 16-bit floats


@dataclass(frozen=True)
class Stored:
    """A point as the collection has it."""

    id: str
    payload: dict[str, Any]
    vector: np.ndarray


@dataclass(frozen=True)
class Reference:
    """What the models make of a content, from a run that nothing disturbed."""

    vector: np.ndarray
    caption: str


def pictures_on_disk(root: Path) -> dict[str, str]:
    """The sha256 of each file that a person would call a picture of the library, by its path as text."""
    found = {}
    for where, directories, names in os.walk(root):
        directories[:] = [name for name in directories if not name.startswith(".")]
        for name in names:
            path = Path(where, name)
            if name.startswith(".") or not name.endswith(_PICTURES) or path.is_symlink() or not path.is_file():
                continue
            found[to_text(str(path.relative_to(root)))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def rating_on_disk(root: Path, path: str) -> int | None:
    """The rating that a person would say a picture has: that of the sidecar with its full name, or with its stem."""
    picture = root / from_text(path)
    for name in (f"{picture.name}.xmp", f"{picture.stem}.xmp"):
        sidecar = picture.with_name(name)
        if sidecar.is_file() and not sidecar.is_symlink():
            found = re.search(rb'xmp:Rating="(\d)"', sidecar.read_bytes())
            assert found is not None
            return int(found[1])
    return None


def read_points(settings: Settings) -> list[Stored]:
    """All points that a search could find."""
    address = address_of(settings)
    versions = address.versions(settings.collection)
    assert len(versions) == 1, f"versions of the collection: {versions}"
    return [
        Stored(str(point.id), dict(point.payload), np.array(point.vector))
        for point in held_points(address, settings.collection)
    ]


@dataclass(frozen=True)
class Model:
    """What must hold once nothing moves, for a pool of contents and what the models make of each."""

    pool: Pool
    references: dict[str, Reference]
    embedding_producer: str
    caption_producer: str

    def disagreements(self, settings: Settings, placed: set[str]) -> list[str]:
        """What is not as it must be, in words; `placed` are all contents that the library ever had."""
        assert settings.library is not None
        disk = pictures_on_disk(settings.library)
        ledger = Ledger(Store(settings.home).ledger_file)
        readable = {path: sha256 for path, sha256 in disk.items() if self.pool.by_sha256[sha256].reason is None}
        return [
            *self._of_points(settings, readable, read_points(settings)),
            *self._of_quarantine(disk, ledger),
            *_of_ledger(ledger, disk, readable),
            *_of_store(Store(settings.home), ledger, set(readable.values())),
            *self._of_cache(Store(settings.home), placed, set(readable.values())),
        ]

    def _of_points(self, settings: Settings, readable: dict[str, str], points: list[Stored]) -> Iterator[str]:
        assert settings.library is not None
        root = settings.library
        tolerance = _VECTOR_TOLERANCE + (_HALF_ROUNDING if settings.qdrant_url is None else 0.0)
        by_path: dict[str, Stored] = {}
        for point in points:
            path = point.payload["path"]
            if path in by_path:
                yield f"{path!r} is two points"
            by_path[path] = point
        for path in readable.keys() - by_path.keys():
            yield f"{path!r} is missing from the collection"
        for path in by_path.keys() - readable.keys():
            yield f"{path!r} is in the collection and not (readable) on disk"
        for path in sorted(readable.keys() & by_path.keys()):
            yield from self._of_point(path, readable[path], by_path[path], tolerance)
            rating, expected = by_path[path].payload.get("rating"), rating_on_disk(root, path)
            if rating != expected:
                yield f"{path!r} has {rating} stars, where its sidecar gives it {expected}"
        parts: dict[str, set[int]] = {}
        for point in points:
            partition = Partition.from_key(point.payload["partition"])
            parts.setdefault(partition.directory, set()).add(partition.parts)
        for directory, numbers in parts.items():
            if len(numbers) > 1:
                yield f"{directory!r} is split in different ways: {numbers}"

    def _of_point(self, path: str, sha256: str, point: Stored, tolerance: float) -> Iterator[str]:
        payload = point.payload
        directory, _, name = path.rpartition("/")
        if point.id != point_id(path):
            yield f"{path!r} has the id of another path"
        if payload["sha256"] != sha256:
            yield f"{path!r} is stale: it has the sha256 of another content"
            return
        partition = Partition.from_key(payload["partition"])
        if (payload["directory"], partition.directory) != (directory, directory) or not partition.holds(name):
            yield f"{path!r} is in {payload['directory']!r}, partition {payload['partition']!r}"
        if (payload.get("width"), payload.get("height")) != self.pool.by_sha256[sha256].size:
            yield f"{path!r} has the size {payload.get('width')} x {payload.get('height')}"
        reference = self.references[sha256]
        if np.abs(point.vector - reference.vector).max() > tolerance:
            nearest = max(self.references, key=lambda other: float(self.references[other].vector @ point.vector))
            yield f"{path!r} has a vector that is not its own, but that of {self.pool.by_sha256[nearest].ending}"
        if payload.get("caption") != reference.caption:
            yield f"{path!r} has the caption {payload.get('caption')!r}, not {reference.caption!r}"

    def _of_quarantine(self, disk: dict[str, str], ledger: Ledger) -> Iterator[str]:
        reasons = {path: self.pool.by_sha256[sha256].reason for path, sha256 in disk.items()}
        expected = {path: str(reason) for path, reason in reasons.items() if reason is not None}
        found = {file.path: file.reason for file in ledger.quarantine()}
        for path in sorted(expected.keys() | found.keys()):
            if expected.get(path) != found.get(path):
                yield f"{path!r} is in quarantine for {found.get(path)}, where it should be for {expected.get(path)}"

    def _of_cache(self, store: Store, placed: set[str], readable: set[str]) -> Iterator[str]:
        contents = cached(store)
        for producer in (self.embedding_producer, self.caption_producer):
            seen = contents.pop(producer, set())
            if wrong := seen - {sha256 for sha256 in placed if self.pool.by_sha256[sha256].reason is None}:
                yield f"{len(wrong)} contents went through {producer} that no readable file ever had"
            if missing := readable - seen:
                yield f"{len(missing)} contents are not in the cache of {producer}"


def cached(store: Store) -> dict[str, set[str]]:
    """The contents that the cache has something of, by producer."""
    found: dict[str, set[str]] = {}
    if store.cache_file.exists():
        with closing(sqlite3.connect(store.cache_file, timeout=60)) as connection, suppress(sqlite3.OperationalError):
            for producer, sha256 in connection.execute("SELECT producer, sha256 FROM content"):
                found.setdefault(producer, set()).add(sha256)
    return found


def _of_ledger(ledger: Ledger, disk: dict[str, str], readable: dict[str, str]) -> Iterator[str]:
    entries = ledger.entries()
    directories = {path.rpartition("/")[0] for path in disk}
    entered = {Partition.from_key(key).directory for key in entries}
    if directories != entered:
        yield f"directories on disk and not in the ledger, or the other way round: {sorted(directories ^ entered)}"
    counts = (sum(entry.indexed for entry in entries.values()), sum(entry.files for entry in entries.values()))
    if counts != (len(readable), len(disk)):
        yield f"the ledger counts {counts} points and files, where there are {len(readable)} and {len(disk)}"


def _of_store(store: Store, ledger: Ledger, readable: set[str]) -> Iterator[str]:
    tables = {
        str(path.relative_to(store.home / "tables")) for path in (store.home / "tables").rglob("*") if path.is_file()
    }
    expected = {f"{stage}/{file_stem(key)}.parquet" for stage in Stage for key in ledger.entries()}
    for name in sorted(expected - tables):
        yield f"there is no table {name}"
    for name in sorted(tables - expected):
        yield f"the table {name} is left behind"
    for path in (store.home / "tensors").rglob("*"):
        yield f"the tensors {path.relative_to(store.home)} are left behind"
    thumbnails = {path.name for path in (store.home / "thumbnails").rglob("*") if path.is_file()}
    for name in sorted(name for name in thumbnails if name.startswith(".")):
        yield f"the thumbnail {name} is left behind"
    for sha256 in sorted(readable):
        if f"{sha256}.webp" not in thumbnails:
            yield f"{sha256} has no thumbnail"
