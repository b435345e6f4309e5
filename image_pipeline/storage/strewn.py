"""A store that lies strewn over a person's home folder, as version 0.1.0 left one, and its way to a folder of its own.

That version took HOME for IMAGE_PIPELINE_HOME where the latter was not set.
"""

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from image_pipeline.errors import StoreError
from image_pipeline.storage.contents import contents, is_ledger
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.removal import delete_empty, nobody_else
from image_pipeline.storage.store import Store

_DATABASES = (".sqlite", ".db")
_BESIDE_A_DATABASE = ("-wal", "-shm", "-journal")


def strewn_store() -> Path | None:
    """The home folder over which a store is strewn; None where there is none. Its ledger tells."""
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home if is_ledger(Store(home).ledger_file) else None


def strewn_files(home: Path) -> dict[str, list[Path]]:
    """The files of the store that is strewn over `home`, by the entry of `home` that they are in or are.

    What else lies in the same folders, or only has such a name, is not among them. Raises OSError where a folder
    cannot be listed.
    """
    return contents(home, is_marked=False).by_name()


def gather(home: Path, target: Store) -> int:
    """Move the store that is strewn over `home` to `target`; gives the number of files.

    `target` is made, or is a store in which nothing was ingested. The ledger goes last, so that what was interrupted
    can be begun again. Raises StoreError where something was ingested in `target`, where a process uses one of the
    two, or where a file cannot be moved.
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
            files = sorted(found.files, key=lambda file: file.name.startswith(target.ledger_file.name))
            try:
                for file in files:
                    _move(home / file, target.home / file)
            except OSError as error:
                raise StoreError(
                    f"{error.filename} cannot be moved to {target.home} ({error.strerror}): make room there, and the "
                    "folder writable, and do it again."
                ) from error
            left = {parent for file in files for parent in file.parents}
            delete_empty(home, tuple(directory for directory in found.directories if directory in left))
    return len(files)


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
