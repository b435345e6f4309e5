"""The files of an embedded Qdrant while this process has them open: the catalogue, and the shards that were used."""

import errno
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import qdrant_edge as qe

from image_pipeline.collection.damaged import DamagedVersionError
from image_pipeline.collection.edge.catalog import Catalog, Entry, read_catalog, write_catalog
from image_pipeline.collection.edge.checkup import damage_of
from image_pipeline.collection.edge.copies import CopyNote
from image_pipeline.collection.edge.creation import create_apart
from image_pipeline.collection.edge.holes import OPERATIONS, reserve
from image_pipeline.collection.edge.seals import Seals
from image_pipeline.collection.edge.shards import (
    DamagedShardError,
    EdgeError,
    edge_errors,
    has_words,
    is_turbo,
    load_shard,
    sync_log,
)

ROOM_BYTES = 128 << 20
"""What has to be free on the disk before a shard is loaded or written: it grows by 32 MB at a time."""

FLUSH_SECONDS = 5.0
"""How much work a process may have to repeat when it loads a shard that was not flushed."""

MARK = "open"
"""The file that exists while a process has the folder open."""


class Opened:
    """The files in `directory`, for a process that holds the lock; a shard is loaded when it is first used.

    A mark in the folder says that it is open. If it is there already, the process that had it open was killed, perhaps
    by damaged files, and each shard is first loaded in a different process; so is a shard whose files are not those of
    when it was closed. The mark stays while a shard is known to be damaged.

    Raises CollectionError if the catalogue is damaged, OSError if the folder cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._catalog = read_catalog(directory)
        self._shards: dict[str, qe.EdgeShard] = {}
        self._flushed: dict[str, float] = {}
        self._words: dict[str, bool] = {}
        self._reserved: dict[str, int] = {}
        self._damaged: set[str] = set()
        self._seals = Seals(directory)
        self._copies = CopyNote(directory)
        with self._copies.unless_in_progress() as is_free:
            if is_free:
                self._delete_leftovers()
        self._is_suspect = (directory / MARK).exists()
        with suppress(OSError):  # on a full disk, shards can still be read
            (directory / MARK).touch()

    @property
    def catalog(self) -> Catalog:
        """The catalogue, as it is on the disk."""
        return self._catalog

    def close(self) -> None:
        """Close all shards."""
        closed = []
        while self._shards:
            name, shard = self._shards.popitem()
            with suppress(EdgeError), edge_errors():  # as on a full disk: the log has what is not flushed
                shard.flush()
            with edge_errors():
                shard.close()
            closed.append(self.entry(name).folder)
        if closed:
            self._seals.seal(*closed)
        if not self._damaged:
            with suppress(OSError):
                (self._directory / MARK).unlink()

    def entry(self, name: str) -> Entry:
        """The entry of a collection. Raises EdgeError if there is none."""
        try:
            return self._catalog.collections[name]
        except KeyError as error:
            raise EdgeError(f"there is no collection {name!r} in the embedded Qdrant") from error

    def has_words(self, name: str) -> bool:
        """Whether the points of a collection have words; raises as `shard` does."""
        if name not in self._words:
            try:
                self._words[name] = has_words(self._directory / self.entry(name).folder)
            except DamagedShardError as error:
                raise DamagedVersionError(name, str(error)) from error
        return self._words[name]

    def shard(self, name: str) -> qe.EdgeShard:
        """The shard of a collection. Raises EdgeError if there is none, DamagedVersionError if it cannot be read."""
        folder = self.folder(name)
        if name not in self._shards:
            self.check_room()
            damage = None
            if self._is_suspect or not self._seals.is_intact(folder.name):
                reserve(folder)  # it may repeat operations
                damage = self._noted(name, damage_of(folder, is_whole=False))
            if damage is not None:
                raise DamagedVersionError(name, damage)
            try:
                self._shards[name] = load_shard(folder)
            except DamagedShardError as error:
                raise DamagedVersionError(name, str(error)) from error
        return self._shards[name]

    def damage(self, name: str) -> str | None:
        """What is wrong with the shard of a collection, as `damage_of` says. Raises EdgeError if there is none."""
        self.check_room()
        folder = self.folder(name)
        shard = self._shards.pop(name, None)
        if shard is not None:  # one process at a time can have it open
            with edge_errors():
                shard.flush()
                shard.close()
        damage = self._noted(name, damage_of(folder, is_whole=True))
        if damage is None:
            self._seals.seal(folder.name)
        return damage

    def create(self, name: str, dimension: int, metadata: dict[str, str]) -> None:
        """Create a collection, which exists once the catalogue names it. Raises EdgeError if it exists already."""
        if name in self._catalog.collections:
            raise EdgeError(f"the collection {name!r} exists already")
        self.check_room()
        folder = self.new_folder()
        create_apart(folder, dimension)
        self._seals.seal(folder.name)
        self.write(self._catalog.having(name, Entry(folder.name, dimension, metadata)))

    def drop(self, name: str) -> None:
        """Delete a collection, which no longer exists once the catalogue does not name it."""
        if name not in self._catalog.collections:
            return
        folder = self.folder(name)
        shard = self._shards.pop(name, None)
        self.write(self._catalog.without(name))
        if shard is not None:
            with edge_errors():
                shard.close()
        self._damaged.discard(name)
        self._words.pop(name, None)
        self._reserved.pop(name, None)
        shutil.rmtree(folder, ignore_errors=True)  # the next process that opens it deletes the rest

    def is_turbo(self, name: str) -> bool:
        """Whether the vectors of a collection are kept as Turbo8, and not as 16-bit floats."""
        try:
            return is_turbo(self.folder(name))
        except DamagedShardError as error:
            raise DamagedVersionError(name, str(error)) from error

    def folder(self, name: str) -> Path:
        """The folder of the shard of a collection. Raises EdgeError if there is none."""
        return self._directory / self.entry(name).folder

    def new_folder(self) -> Path:
        """A new folder for a shard, which is deleted by the next process that opens the files, unless it is in use."""
        folder = self._directory / self._catalog.new_folder(path.name for path in self._directory.iterdir())
        folder.mkdir()
        return folder

    def replace(self, name: str, folder: Path) -> None:
        """Let the shard in `folder`, which holds the same points, take the place of that of a collection."""
        former, shard = self.folder(name), self._shards.pop(name, None)
        self._reserved.pop(name, None)
        if shard is not None:
            with edge_errors():
                shard.close()
        self._seals.seal(folder.name)
        self.write(self._catalog.having(name, replace(self.entry(name), folder=folder.name)))
        shutil.rmtree(former, ignore_errors=True)

    def update(self, name: str, operations: Sequence[qe.UpdateOperation]) -> None:
        """Apply operations to the shard of a collection, and wait until its log is on the disk.

        A shard that was not flushed, because its process was killed or the power was cut, takes the missing operations
        from the log when it is loaded. Flushing takes 0.2 s, since each of its many files has to be written, and is
        done every few seconds. Raises as `shard` and `check_room` do, and EdgeError if an operation is refused.
        """
        shard = self.shard(name)
        self._copies.outdate(self.entry(name).folder)
        with edge_errors():
            for operation in operations:
                self.check_room()  # each one may begin a file of 32 MB
                if self._reserved.get(name, 0) == 0:
                    reserve(self.folder(name))
                    self._reserved[name] = OPERATIONS
                self._reserved[name] -= 1
                shard.update(operation)
            sync_log(self.folder(name))
            now = time.monotonic()
            if now - self._flushed.setdefault(name, now) >= FLUSH_SECONDS:
                shard.flush()
                self._flushed[name] = time.monotonic()

    def check_room(self) -> None:
        """Raises OSError (ENOSPC) if the disk is almost full.

        The files of a shard are mapped into memory and have holes, and writing into a hole on a full disk ends the
        process (SIGBUS). Loading a shard writes 64 MB of its log.
        """
        disk = os.statvfs(self._directory)
        if disk.f_bavail * disk.f_frsize < ROOM_BYTES:
            raise OSError(errno.ENOSPC, f"less than {ROOM_BYTES >> 20} MB are free", str(self._directory))

    def write(self, catalog: Catalog) -> None:
        """Replace the catalogue."""
        write_catalog(self._directory, catalog)
        self._catalog = catalog

    def _noted(self, name: str, damage: str | None) -> str | None:
        if damage is None:
            self._damaged.discard(name)
        else:
            self._damaged.add(name)
        return damage

    def _delete_leftovers(self) -> None:
        known = {entry.folder for entry in self._catalog.collections.values()}
        for path in self._directory.glob("shard-*"):
            if path.name not in known:
                with suppress(OSError):
                    shutil.rmtree(path)
