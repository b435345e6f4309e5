"""The address of an embedded Qdrant Edge: a folder of the store."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from image_pipeline.collection.address import QdrantAddress, Traits
from image_pipeline.collection.aliases import is_version
from image_pipeline.collection.edge.catalog import read_catalog, write_catalog
from image_pipeline.collection.edge.turns import Turns, waiting, wanted_file
from image_pipeline.collection.engine import Engine
from image_pipeline.collection.former import Former
from image_pipeline.errors import CollectionError, ServiceUnavailableError, StoreError
from image_pipeline.storage.locks import StillHeldError, exclusive_lock

if TYPE_CHECKING:
    from image_pipeline.collection.edge.engine import EdgeEngine

SLOW_BEYOND = 300_000
"""With more points, each query compares more vectors than has been measured, and memory exceeds 1.3 GB."""

_NO_ROOM = "No space left"  # as Edge passes on the system's message


@dataclass(frozen=True)
class EdgeAddress(QdrantAddress):
    """The address of the embedded Qdrant in `directory`.

    One process at a time can open it: it holds `lock_file` meanwhile, and other processes wait for up to
    `lock_seconds`. It is filled with the collections of `former` before it is first used.
    """

    directory: Path
    lock_file: Path
    lock_seconds: float = 120.0
    former: Former | None = field(default=None, compare=False, repr=False)

    @property
    def traits(self) -> Traits:
        """Part of the store, and for one process at a time, which gives way to others."""
        return Traits(f"embedded in {self.directory}", is_shared=False, slow_beyond=SLOW_BEYOND, gives_way=True)

    @property
    def exists(self) -> bool:
        """Whether its folder exists, which the first connection makes, or there is anything to fill it with."""
        return self.directory.exists() or (self.former is not None and self.former.exists)

    def check(self) -> None:
        """Checks nothing: opening it keeps other processes waiting."""

    def versions(self, alias: str) -> list[str]:
        """The names of the existing versions of the collection `alias`, from the catalogue.

        This does not wait for a process that has it open, unless it has to be filled first. Raises as `connect` does.
        """
        self.take_over()
        return [name for name in read_catalog(self.directory).collections if is_version(alias, name)]

    def take_over(self, seconds: float | None = None) -> bool:
        """Fill it with the collections of `former` if that has not been done since an older program wrote to them."""
        if not self._is_due:
            return True
        with self.errors_for_people(), self._turns() as engine:
            return self._fill(engine, seconds)

    def settle(self) -> None:
        """Delete what was taken over, if it was; if another process keeps the lock for too long, it stays for now.

        A former embedded Qdrant that an older version of this program makes later is taken over again.
        """
        if self.former is None or not self.former.exists:
            return
        with (
            suppress(StillHeldError),
            waiting(wanted_file(self.lock_file)),
            exclusive_lock(self.lock_file, self._subject, self.lock_seconds),
        ):
            if not self._is_due:  # else an older program has written to it since
                self.former.delete()
                write_catalog(self.directory, replace(read_catalog(self.directory), taken=""))

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """An engine that waits for its turn at its first operation, and gives way to other processes between two.

        It takes over `former` first, if that is due. An operation raises StillHeldError if another process keeps the
        lock for `lock_seconds`, and CollectionError if the files are damaged.
        """
        with self._turns() as engine:
            self._fill(engine, None)
            yield engine

    @contextmanager
    def _turns(self) -> Iterator["EdgeEngine"]:
        from image_pipeline.collection.edge.compaction import Compaction
        from image_pipeline.collection.edge.engine import EdgeEngine
        from image_pipeline.collection.edge.opened import Opened

        def open_resource() -> Opened:
            return Opened(self.directory)

        turns = Turns(self.lock_file, self._subject, self.lock_seconds, open_resource, Opened.close)
        try:
            yield EdgeEngine(turns, Compaction(self.directory))
        finally:
            turns.end()

    @property
    def _is_due(self) -> bool:
        """Whether `former` has to be taken over: it never was, or an older program has written to it since."""
        former = self.former
        return former is not None and former.exists and former.stamp != read_catalog(self.directory).taken

    def _fill(self, engine: "EdgeEngine", seconds: float | None) -> bool:
        if self.former is not None and self._is_due:
            stamp = self.former.stamp  # before anything is read: what is written meanwhile is taken over next time
            if not self.former.fill(engine, seconds):
                return False
            engine.note_taken(stamp)
        return True

    @contextmanager
    def errors_for_people(self) -> Iterator[None]:
        """Raises ServiceUnavailableError if another process keeps the lock, StoreError if the disk is full.

        Raises CollectionError if Qdrant Edge refuses; other errors pass.
        """
        from image_pipeline.collection.edge.shards import EdgeError

        try:
            yield
        except EdgeError as error:
            if _NO_ROOM in str(error):
                raise self._full(error) from error
            raise CollectionError(f"T{self._subject[1:]} refused a request ({error}).") from error
        except StillHeldError as error:
            raise ServiceUnavailableError(
                f"T{self._subject[1:]} has been in use by another process for {self.lock_seconds:g} s: wait until that "
                f"one ends ({error}), or set QDRANT_URL to a Qdrant server, which serves several processes."
            ) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise self._full(error) from error

    def _full(self, cause: object) -> StoreError:
        return StoreError(f"T{self._subject[1:]} cannot write ({cause}): make room on its disk.")

    @property
    def _subject(self) -> str:
        return f"the embedded Qdrant in {self.directory}"
