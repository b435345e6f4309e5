"""Removal of a store from disk: everything that belongs to it, and nothing else."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from image_pipeline.errors import StoreError
from image_pipeline.files.store_mark import NAME as MARK
from image_pipeline.storage.claims import claimed_runs
from image_pipeline.storage.own_files import Contents
from image_pipeline.storage.partition_claims import all_partitions
from image_pipeline.storage.store import Store


@contextmanager
def exclusive_use(store: Store) -> Iterator[None]:
    """Keep other processes out of the store for the length of the block. Raises StoreError if one is using it.

    An open page uses the store even while it does nothing.
    """
    with ExitStack() as stack:
        try:
            for lock in store.lock_files:
                if lock.exists():
                    stack.enter_context(FileLock(lock, timeout=0))
        except Timeout as error:
            raise _in_use(store.home) from error
        if claimed_runs(store.runs_directory) or not stack.enter_context(all_partitions(store)):
            raise _in_use(store.home)
        yield


def delete_contents(home: Path, contents: Contents) -> None:
    """Delete the store's files in the folder `home` according to `contents`, then the folder if it is empty.

    The mark is deleted last, so that an interrupted deletion can be started again. Raises StoreError if a file cannot
    be deleted.
    """
    try:
        for file in sorted(contents.files, key=lambda file: file == Path(MARK)):
            (home / file).unlink(missing_ok=True)
        delete_empty(home, contents.directories)
        with suppress(OSError):
            home.resolve().rmdir()
            home.unlink(missing_ok=True)  # it may be a link to the store's folder
    except OSError as error:
        raise StoreError(
            f"{error.filename} cannot be deleted ({error.strerror}): give the user who runs the pipeline permission to "
            "delete it, and try again."
        ) from error


def delete_empty(home: Path, directories: Iterable[Path]) -> None:
    """Delete those of `directories` that are empty; each comes after its entries."""
    for directory in directories:
        with suppress(OSError):
            (home / directory).rmdir()


def _in_use(home: Path) -> StoreError:
    return StoreError(
        f"The store {home} is in use by another process: stop it (`image-pipeline dev`, if the page is open), and "
        "try again."
    )
