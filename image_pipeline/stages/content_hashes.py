"""The SHA-256 hashes of files: each file is read once, unless it changes."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from image_pipeline.files.hashing import HashedFiles, hash_files
from image_pipeline.files.partition import Partition
from image_pipeline.schema.rows import ContentHash, DiscoveredFile, Stage
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.storage.tables import StageTables


def hash_partition(root: Path, tables: StageTables, partition: Partition, threads: int) -> HashedFiles:
    """Hash the files of a partition of the library at `root`, with `threads` threads.

    A file is not read again if its size and times match its row in the partition's previous table, or, if there is
    none, in the tables that the directory had before it was split. Raises StoreError if `discovered_files` has not run
    for the partition.
    """
    files = tables.read(DiscoveredFile, partition.key)
    known = tables.read_if_there(ContentHash, partition.key) or [
        row for older in partition.ancestors for row in tables.read_if_there(ContentHash, older.key) or ()
    ]
    return hash_files(root, files, known, threads)


def digest(rows: Iterable[ContentHash]) -> str:
    """The SHA-256 of the paths and hashes in a table, 64 hex digits; it is stored as the table's note."""
    listing = "".join(f"{row.path}\0{row.sha256}\0" for row in rows)
    return hashlib.sha256(listing.encode()).hexdigest()


STAGE = StageDeclaration(row=ContentHash, reads=(Stage.DISCOVERED_FILES,), doing="reading files")
