"""Takes a partition that is no more out of the collection and the store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from image_pipeline.files.discovery import list_files
from image_pipeline.files.partition import Partition
from image_pipeline.storage.collection import delete_partition
from image_pipeline.storage.ledger import Ledger, LedgerEntry
from image_pipeline.storage.tables import StageTables
from image_pipeline.storage.tensors import release_tensors

if TYPE_CHECKING:
    from qdrant_client import QdrantClient


def is_gone(root: Path, partition: Partition, entries: Mapping[str, LedgerEntry]) -> bool:
    """Whether a partition is no more: no file of it is on disk, or other parts of its directory have taken its files.

    Raises LibraryError where the library or the directory cannot be read: nothing is gone then.
    """
    others = (Partition.from_key(key) for key in entries)
    parts = {other.parts for other in others if other.directory == partition.directory}
    if any(other > partition.parts for other in parts):
        return True
    return not any(partition.holds(file.name) for file in list_files(root, partition.directory))


def retire(
    client: "QdrantClient", alias: str, tables: StageTables, ledger: Ledger, partition_keys: Sequence[str]
) -> int:
    """Delete the points, tables, tensors and ledger entries of partitions; gives the number of points deleted.

    The ledger comes last, so that a retirement that was interrupted is done again. Raises CollectionError where
    Qdrant refuses, ServiceUnavailableError where it does not answer.
    """
    deleted = 0
    for key in partition_keys:
        deleted += delete_partition(client, alias, key)
        release_tensors(tables.store.tensor_directory(key))
        tables.delete(key)
    ledger.forget(partition_keys)
    return deleted
