"""A store that lies strewn over a person's home folder, as version 0.1.0 left one, and its way to a folder of its own.

That version took HOME for IMAGE_PIPELINE_HOME where the latter was not set.
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
from image_pipeline.storage.removal import delete_empty, nobody_else
from image_pipeline.storage.signatures import is_ledger
from image_pipeline.storage.store import Store

_DATABASES = (".sqlite", ".db")
_BESIDE_A_DATABASE = ("-wal", "-shm", "-journal")

# A person may have empty folders of the other names.
_OWN = re.compile(r"(tables|runs)/.+|tensors(/.+)?|(thumbnails|qdrant|dagster)/.+", re.DOTALL)


def strewn_store() -> Path | None:
    """The home folder over which a store is strewn; None where there is none. Its ledger tells."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if is_ledger(Store(home).ledger_file) else None


def strewn_files(home: Path) -> dict[str, int]:
    """The files of the store that is strewn over `home`, as `Contents.listed` gives them.

    What else lies in the same folders, or only has such a name, is not among them. Raises StoreError where a folder
    cannot be listed.
    """
    return contents(home, is_marked=False).listed()


def gather(home: Path, target: Store) -> int:
    """Move the store that is strewn over `home` to `target`; gives the number of files.

    `target` is made, or is a store in which nothing was ingested. What was interrupted can be begun again, since the
    ledger goes last. Raises StoreError where something was ingested in `target`, where a process uses one of the two,
    or where a file cannot be moved.
    """
    with nobody_else(Store(home)):
        target.prepare()
        with nobody_else(target):
            if is_ledger(target.ledger_file) and Ledger(target.ledger_file).entries():
                raise StoreError(
                    f"{target.home} is a store in which something was ingested: give another folder, "
                    f"`image-pipeline rescue --home {target.home}-2`."
                )
            found = contents(home, is_marked=False)
            try:
                for file in found.files:
                    _move(home / file, target.home / file)
            except OSError as error:
                raise StoreError(
                    f"{error.filename} cannot be moved to {target.home} ({error.strerror}): make room there, and the "
                    "folder writable, and do it again."
                ) from error
            finally:
                delete_empty(home, _left(found.files, found.directories))
    return len(found.files)


def _left(files: Iterable[Path], directories: Iterable[Path]) -> Iterator[Path]:
    """Those of `directories`, each after what is in it, that are the store's: a file of it was in them, or they have a
    name that nobody else gives, or such a directory is in them."""
    left = {parent for file in files for parent in file.parents}
    for directory in directories:
        if directory in left or _OWN.fullmatch(directory.as_posix()):
            left.update(directory.parents)
            yield directory


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if source.suffix in _DATABASES:
        # What SQLite keeps beside a database goes into it, and what it kept beside one that is replaced is not for it.
        with suppress(sqlite3.Error), closing(sqlite3.connect(source)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for end in _BESIDE_A_DATABASE:
            target.with_name(target.name + end).unlink(missing_ok=True)
    elif source.name.endswith(_BESIDE_A_DATABASE) and not source.exists():
        return
    shutil.move(source, target)
    target.chmod(0o600)
