"""A store that version 0.1.0 scattered over a home folder, and its move to a separate folder.

That version used HOME as IMAGE_PIPELINE_HOME if the latter was not set.
"""

import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

from image_pipeline.errors import StoreError
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.own_files import contents
from image_pipeline.storage.removal import delete_empty, exclusive_use
from image_pipeline.storage.signatures import is_ledger
from image_pipeline.storage.store import Store

_DATABASES = (".sqlite", ".db")
_BESIDE_A_DATABASE = ("-wal", "-shm", "-journal")

# Empty folders with other names may belong to a person.
_OWN = re.compile(r"(tables|runs)/.+|tensors(/.+)?|(thumbnails|qdrant|dagster)/.+", re.DOTALL)


def strewn_store() -> Path | None:
    """The home folder if a store is scattered over it, as a ledger there shows; otherwise None."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if is_ledger(Store(home).ledger_file) else None


def strewn_files(home: Path) -> dict[str, int]:
    """The files of the store that is scattered over `home`, as `Contents.listed` returns them.

    Other files in the same folders, or with similar names, are left out. Raises StoreError if a folder cannot be
    listed.
    """
    return contents(home, is_marked=False).listed()


def gather(home: Path, target: Store) -> int:
    """Move the store that is scattered over `home` to `target`; returns the number of files.

    `target` is created, or is a store in which nothing was ingested. An interrupted move can be started again, since
    the ledger is moved last. Raises StoreError if something was ingested in `target`, if a process uses one of the two,
    or if a file cannot be moved.
    """
    with exclusive_use(Store(home)):
        target.prepare()
        with exclusive_use(target):
            if is_ledger(target.ledger_file) and Ledger(target.ledger_file).entries():
                raise StoreError(
                    f"{target.home} is a store in which something was ingested: give a different folder, "
                    f"`image-pipeline rescue --home {target.home}-2`."
                )
            found = contents(home, is_marked=False)
            try:
                for file in found.files:
                    _move(home / file, target.home / file)
            except OSError as error:
                raise StoreError(
                    f"{error.filename} cannot be moved to {target.home} ({error.strerror}): make room there, make the "
                    "folder writable, and try again."
                ) from error
            finally:
                delete_empty(home, _left(found.files, found.directories))
    return len(found.files)


def _left(files: Iterable[Path], directories: Iterable[Path]) -> Iterator[Path]:
    """Those of `directories` (each after its entries) that belong to the store.

    They held a file of the store or another such directory, or have a name that only the pipeline uses.
    """
    left = {parent for file in files for parent in file.parents}
    for directory in directories:
        if directory in left or _OWN.fullmatch(directory.as_posix()):
            left.update(directory.parents)
            yield directory


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if source.suffix in _DATABASES:
        # Merge SQLite's side files into the database; those beside a replaced database do not belong to the new one.
        with suppress(sqlite3.Error), closing(sqlite3.connect(source)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for end in _BESIDE_A_DATABASE:
            target.with_name(target.name + end).unlink(missing_ok=True)
    elif source.name.endswith(_BESIDE_A_DATABASE) and not source.exists():
        return
    shutil.move(source, target)
    target.chmod(0o600)
