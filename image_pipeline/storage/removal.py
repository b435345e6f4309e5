"""Takes a store off the disk: all that is its own, and nothing else."""

from collections.abc import Iterator
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
def nobody_else(store: Store) -> Iterator[None]:
    """Keep others from the store for the length of the block. Raises StoreError where a process is using it.

    A page that is open uses it, also while nothing is done.
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
    """Delete what `contents` tells to be the store's own in the folder `home`, and the folder if it is empty then.

    The mark goes last, so that a deletion that was interrupted can be begun again. Raises StoreError where a file
    cannot be deleted.
    """
    try:
        for file in sorted(contents.files, key=lambda file: file == Path(MARK)):
            (home / file).unlink(missing_ok=True)
        delete_empty(home, contents.directories)
        with suppress(OSError):
            home.resolve().rmdir()
            home.unlink(missing_ok=True)  # a link to the folder that was the store
    except OSError as error:
        raise StoreError(
            f"{error.filename} cannot be deleted ({error.strerror}): give the user who runs the pipeline the right to, "
            "and do it again."
        ) from error


def delete_empty(home: Path, directories: Iterator[Path] | tuple[Path, ...]) -> None:
    """Delete those of `directories`, each after what is in it, that are empty."""
    for directory in directories:
        with suppress(OSError):
            (home / directory).rmdir()


def _in_use(home: Path) -> StoreError:
    return StoreError(
        f"The store {home} is in use by another process: end that one (`image-pipeline dev`, if the page is open), "
        "and do it again."
    )
