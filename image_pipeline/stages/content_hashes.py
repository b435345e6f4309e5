"""The SHA-256 hashes of files: each file is read once, unless it changes."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from image_pipeline.files.hashing import HashedFiles, hash_files
from image_pipeline.files.names import from_text
from image_pipeline.files.open_file import LibraryFile
from image_pipeline.files.partition import Partition
from image_pipeline.files.status import FileStatus
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
    known = tables.read_if_exists(ContentHash, partition.key) or [
        row for older in partition.ancestors for row in tables.read_if_exists(ContentHash, older.key) or ()
    ]
    return hash_files(root, files, known, threads)


def digest(rows: Iterable[ContentHash]) -> str:
    """The SHA-256 of the paths and hashes in a table, 64 hex digits; it is stored as the table's note."""
    listing = "".join(f"{row.path}\0{row.sha256}\0" for row in rows)
    return hashlib.sha256(listing.encode()).hexdigest()


STAGE = StageDeclaration(row=ContentHash, reads=(Stage.DISCOVERED_FILES,), doing="reading files")


def sources_of(root: Path, hashes: Iterable[ContentHash]) -> dict[str, LibraryFile]:
    """A source for each content, by sha256: the first of the files that have it."""
    sources: dict[str, LibraryFile] = {}
    for row in hashes:
        if row.sha256 is not None and row.sha256 not in sources:
            sources[row.sha256] = LibraryFile(os.fspath(root), from_text(row.path), FileStatus.noted(row))
    return sources
