"""The image files of a directory: the stage that all others begin from."""

from collections.abc import Collection, Sequence
from pathlib import Path

from image_pipeline.errors import LibraryError
from image_pipeline.files.discovery import DISCOVERY_VERSION, Discovery, discover
from image_pipeline.files.partition import Partition
from image_pipeline.files.status import ListedFile
from image_pipeline.schema.rows import DiscoveredFile
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.stages.unchanged import Unchanged
from image_pipeline.storage.tables import StageTables

STAGE = StageDeclaration(row=DiscoveredFile, version=lambda models: DISCOVERY_VERSION)


def discover_partition(
    root: Path, tables: StageTables, unchanged: Unchanged, partition: Partition, listed: Sequence[ListedFile]
) -> Discovery:
    """The image files among the `listed` files of a partition of the library at `root`.

    The first bytes of a file are read unless the partition's table has its format already. Raises StoreError if the
    system refuses that table.
    """
    # another version may have decided otherwise about a file's format
    is_of_today = unchanged.is_of_recipe(partition.key)
    known = (tables.read_if_there(DiscoveredFile, partition.key) or []) if is_of_today else []
    return discover(root, partition, listed, {file.path: file for file in known})


def check_known(root: Path, named: Sequence[Partition], entries: Collection[str]) -> None:
    """Raises LibraryError if none of the partitions is, or was, a directory of the library: its key is invented.

    `entries` are the keys of the partitions that the ledger has.
    """
    if not any(partition.key in entries or _is_directory(root, partition) for partition in named):
        raise LibraryError(
            f"The library has no directory {named[0].key!r}, and never had: `image-pipeline scan` prints the keys of "
            "those that it has."
        )


def _is_directory(root: Path, partition: Partition) -> bool:
    try:
        return (root / partition.os_directory).is_dir()
    except OSError:  # no file system has a name of such a length
        return False
