"""Sources of contents: for each sha256, one of the files that had it when they were hashed."""

import os
from collections.abc import Iterable
from pathlib import Path

from image_pipeline.files.names import from_text
from image_pipeline.files.open_file import LibraryFile
from image_pipeline.files.status import FileStatus
from image_pipeline.schema.rows import ContentHash


def sources_of(root: Path, hashes: Iterable[ContentHash]) -> dict[str, LibraryFile]:
    """A source for each content, by sha256: the first of the files that have it."""
    sources: dict[str, LibraryFile] = {}
    for row in hashes:
        if row.sha256 is not None and row.sha256 not in sources:
            sources[row.sha256] = LibraryFile(os.fspath(root), from_text(row.path), FileStatus.noted(row))
    return sources
