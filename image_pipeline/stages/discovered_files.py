"""The image files of a directory: the first stage, on which all others depend."""

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
    """Find the image files among the `listed` files of a partition of the library at `root`.

    The first bytes of a file are read to identify its format, unless the partition's table has the format already.
    Raises StoreError if that table cannot be read.
    """
    # a different version may have identified the formats differently
    is_current = unchanged.is_of_recipe(partition.key)
    known = (tables.read_if_exists(DiscoveredFile, partition.key) or []) if is_current else []
    return discover(root, partition, listed, {file.path: file for file in known})


def check_known(root: Path, named: Sequence[Partition], entries: Collection[str]) -> None:
    """Raises LibraryError if none of the `named` partitions is, or ever was, a directory of the library.

    `entries` are the keys in the ledger.
    """
    if not any(partition.key in entries or _is_directory(root, partition) for partition in named):
        raise LibraryError(
            f"The library has no directory {named[0].key!r}, and never had one: `image-pipeline scan` prints the keys "
            "of its directories."
        )


def _is_directory(root: Path, partition: Partition) -> bool:
    try:
        return (root / partition.os_directory).is_dir()
    except OSError:  # the name is longer than any file system allows
        return False
