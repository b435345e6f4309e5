"""Moments of a run, told from outside by what changes in the store, so that it can be killed there."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path

from image_pipeline.schema.rows import Stage
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.runs import Run

_SCAN_SECONDS = 0.001


class Place(StrEnum):
    """Where in the store a change tells how far a run has come, in the order in which runs come to them."""

    DAGSTER = auto()
    DISCOVERED_FILES = auto()
    SIDECARS = auto()
    CONTENT_HASHES = auto()
    IMAGE_METADATA = auto()
    TENSORS = auto()
    THUMBNAILS = auto()
    DECODED_TENSORS = auto()
    CACHE = auto()
    EMBEDDINGS = auto()
    CAPTIONS = auto()
    COLLECTION = auto()
    LEDGER = auto()


@dataclass(frozen=True)
class Moment:
    """The `changes`-th change that is seen in a place, and `seconds` after it."""

    place: Place
    changes: int
    seconds: float

    def __str__(self) -> str:
        return f"change {self.changes} of {self.place} + {self.seconds * 1000:.0f} ms"


@dataclass(frozen=True)
class StoreWatch:
    """Looks at a store; `server_storage` is where a Qdrant server keeps the collection, None where it is embedded."""

    store: Store
    server_storage: Path | None = None

    def look(self, place: Place) -> frozenset[tuple[str, int, int]]:
        """The files of a place, each with its size and modification time."""
        return frozenset(_files(self._where(place)))

    def _where(self, place: Place) -> list[Path]:
        home = self.store.home
        if place in [stage.value for stage in Stage]:
            return [home / "tables" / place]
        return {
            Place.DAGSTER: [home / "dagster"],
            Place.TENSORS: [home / "tensors"],
            Place.THUMBNAILS: [home / "thumbnails"],
            Place.CACHE: [home / "cache"],
            Place.COLLECTION: (
                [self.store.qdrant_directory / "collection", self.store.edge_directory]
                if self.server_storage is None
                else [self.server_storage]
            ),
            Place.LEDGER: [home / "ledger.sqlite", home / "ledger.sqlite-wal"],
        }[place]

    def wait_for(self, moment: Moment, run: Run) -> bool:
        """Wait until the moment has come, or the run has ended; whether it has come."""
        before, changes = self.look(moment.place), 0
        while not run.has_ended:
            now = self.look(moment.place)
            if now != before:
                before, changes = now, changes + 1
                if changes == moment.changes:
                    time.sleep(moment.seconds)
                    return True
            time.sleep(_SCAN_SECONDS)
        return False

    def snapshot(self) -> dict[Place, frozenset[tuple[str, int, int]]]:
        """All places."""
        return {place: self.look(place) for place in Place}

    def furthest(self, before: dict[Place, frozenset[tuple[str, int, int]]]) -> Place | None:
        """The last place, in the order of `Place`, that has changed; None where none has."""
        changed = [place for place in Place if self.look(place) != before[place]]
        if Place.LEDGER in changed and Place.COLLECTION not in changed:
            changed.remove(Place.LEDGER)  # it was only made
        return changed[-1] if changed else None


def _files(paths: list[Path]) -> "list[tuple[str, int, int]]":
    found = []
    for path in paths:
        try:
            if path.is_dir():
                found += _files([Path(entry) for entry in os.scandir(path)])
            else:
                status = path.stat()
                found.append((str(path), status.st_size, status.st_mtime_ns))
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Wait until something is so; whether it came to be."""
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        if condition():
            return True
        time.sleep(_SCAN_SECONDS)
    return False
