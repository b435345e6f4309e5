"""Retirement of partitions: removes those that no longer exist from the collection and the store."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.versions import complete_left_version
from image_pipeline.errors import LibraryError
from image_pipeline.files.discovery import check_library, list_files
from image_pipeline.files.partition import Partition
from image_pipeline.storage.cache import ContentCache
from image_pipeline.storage.claims import delete_unclaimed
from image_pipeline.storage.ledger import Ledger, LedgerEntry
from image_pipeline.storage.locks import index_lock
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables


def is_gone(root: Path, partition: Partition, entries: Mapping[str, LedgerEntry]) -> bool:
    """Whether a partition is gone: each of its files on disk is in a smaller part that was ingested since.

    Raises LibraryError if the library or the directory cannot be read, or if the library is empty, for example because
    a disk is not mounted. In these cases, nothing counts as gone.
    """
    check_library(root)
    with os.scandir(root) as listing:
        if next(listing, None) is None:
            raise LibraryError(
                f"The library {root} is empty, although files of it were ingested: mount it, or, if it is meant to be "
                "empty, delete the store."
            )
    others = (Partition.from_key(key) for key in entries)
    parts = [other for other in others if other.directory == partition.directory and other.parts > partition.parts]
    return all(any(part.holds(file.name) for part in parts) for file in list_files(root, partition))


def retire(qdrant: Qdrant, tables: StageTables, ledger: Ledger, partition_keys: Sequence[str], run_id: str = "") -> int:
    """Delete the points, tables, tensors and ledger entries of partitions; returns the number of points deleted.

    `run_id` is the run that retires them. If all remaining partitions are in a newer version of the collection, that
    version is searched from then on. The ledger is updated last, so that an interrupted retirement is repeated. Raises
    CollectionError if Qdrant refuses, ServiceUnavailableError if it does not answer.
    """
    deleted = 0
    with index_lock(tables.store):
        ledger.set_outdated(partition_keys)  # one that reappears before it is forgotten is ingested again
        for key in partition_keys:
            deleted += qdrant.delete_partition(key)
            delete_unclaimed(tables.store.tensor_directories(key))
            tables.delete(key)
        left = {key: entry for key, entry in ledger.entries().items() if key not in partition_keys}
        complete_left_version(qdrant, left)
        ledger.forget(partition_keys, run_id)
    return deleted


def delete_leftovers(store: Store, ledger: Ledger, cache: ContentCache, now: str) -> int:
    """Delete thumbnails and cached values of contents that no file has had for 90 days; returns the number of contents.

    Until then, a photograph that reappears need not be processed again. `now` is ISO 8601, UTC. Raises StoreError if
    the ledger or the cache cannot be used.
    """
    left = ledger.left_contents(now)
    if left:
        cache.delete(left)
        for sha256 in left:
            for file in (store.thumbnail_file(sha256), store.large_thumbnail_file(sha256)):
                with suppress(OSError):  # a thumbnail that remains does no harm
                    file.unlink()
        ledger.forget_contents(left)
    return len(left)
