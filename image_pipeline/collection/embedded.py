"""The embedded Qdrant in a folder of the store: one process at a time."""

import errno
import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from image_pipeline.collection.address import Traits
from image_pipeline.collection.aliases import is_version
from image_pipeline.collection.client_address import ClientAddress
from image_pipeline.errors import CollectionError, ServiceUnavailableError, StoreError
from image_pipeline.storage.locks import StillHeldError, exclusive_lock

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

SLOW_BEYOND = 20_000
"""From this many points on, it is slow: a filtered query takes 136 ms, opening it takes seconds."""

_DESCRIPTION = "meta.json"  # Qdrant's own


@dataclass(frozen=True)
class EmbeddedAddress(ClientAddress):
    """The address of an embedded Qdrant: the folder of its files.

    Only one process at a time can open it: it holds `lock_file` meanwhile, and other processes wait for up to
    `lock_seconds`.
    """

    directory: Path
    lock_file: Path
    lock_seconds: float = 120.0

    @property
    def traits(self) -> Traits:
        """Part of the store, for one process at a time, and slow with many points."""
        return Traits(f"embedded in {self.directory}", is_shared=False, slow_beyond=SLOW_BEYOND)

    @property
    def exists(self) -> bool:
        """Whether its folder exists: the first connection makes it."""
        return self.directory.exists()

    def check(self) -> None:
        """Checks nothing: opening it reads all of its points, and keeps other processes waiting."""

    def versions(self, alias: str) -> list[str]:
        """The names of the existing versions of the collection `alias`, found by their folders.

        Opening Qdrant would read all of its points. This does not wait for a run that has it open.
        """
        folders = self.directory / "collection"
        names = [folder.name for folder in folders.iterdir()] if folders.is_dir() else []
        return [name for name in names if is_version(alias, name)]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the lock. Raises ServiceUnavailableError if another process keeps it for `lock_seconds`."""
        try:
            with exclusive_lock(self.lock_file, f"the embedded Qdrant in {self.directory}", self.lock_seconds):
                yield
        except StillHeldError as error:
            raise ServiceUnavailableError(
                f"{self._subject} has been in use by another process for {self.lock_seconds:g} s: wait until that one "
                f"ends ({error}), or set QDRANT_URL to a Qdrant server, which serves several processes."
            ) from error

    @contextmanager
    def client(self) -> Iterator["QdrantClient"]:
        """A client that reads and writes the folder itself.

        Raises ServiceUnavailableError if a program that ignores our lock has it open, CollectionError if it is damaged.
        """
        with warnings.catch_warnings():
            # it warns that it ignores payload indexes, which are created for either kind of Qdrant, and that it is slow
            # with many points, which `status` reports already
            warnings.filterwarnings("ignore", message="Payload indexes have no effect")
            warnings.filterwarnings("ignore", message="Local mode is not recommended")
            client = self._open()
            try:
                yield client
            finally:
                client.close()

    def _open(self) -> "QdrantClient":
        from qdrant_client import QdrantClient

        self._delete_unwritten_description()
        try:
            return QdrantClient(path=str(self.directory))
        except RuntimeError as error:  # opened by a program that ignores our lock
            raise ServiceUnavailableError(
                f"{self._subject} is in use by another program: stop it, or set QDRANT_URL to a Qdrant server."
            ) from error
        except Exception as error:  # it defines no exceptions: parsing a damaged file can raise anything
            raise CollectionError(
                f"{self._subject} cannot be opened ({error}): delete that folder and ingest the library again; "
                "the models do not have to run again."
            ) from error

    def tune(self) -> None:
        """Switch the existing collections to SQLite's WAL.

        The embedded Qdrant commits each point separately, which takes half as long with WAL, and is as safe.
        """
        for file in self.directory.glob("collection/*/storage.sqlite"):
            with closing(sqlite3.connect(file)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")

    def _delete_unwritten_description(self) -> None:
        """Delete an empty description of the collections, with which Qdrant would not start.

        A full disk or a kill can leave one: Qdrant writes the description atomically, except for the first one.
        """
        description = self.directory / _DESCRIPTION
        with suppress(FileNotFoundError):
            if description.stat().st_size == 0:
                description.unlink()

    @contextmanager
    def errors_for_people(self) -> Iterator[None]:
        """Raises StoreError if the disk is full; other errors pass unchanged."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if not _is_disk_full(error):
                raise
            raise StoreError(f"{self._subject} cannot write ({error}): make room on its disk.") from error

    @property
    def _subject(self) -> str:
        return f"The embedded Qdrant in {self.directory}"


def _is_disk_full(error: sqlite3.Error | OSError) -> bool:
    if isinstance(error, sqlite3.Error):
        primary = getattr(error, "sqlite_errorcode", 0) & 0xFF  # a full disk causes several codes of SQLITE_IOERR
        return primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
