"""Where a content can be read: a file that had it when it was hashed."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.names import from_text
from image_pipeline.storage.rows import ContentHash


@dataclass(frozen=True)
class Source:
    """A file with the content `sha256`; `path` is for Python's `os` functions."""

    sha256: str
    path: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    def is_unchanged(self) -> bool:
        """Whether the file is still as it was when it was hashed: what was read of it since is of that content."""
        try:
            status = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return False
        now = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return now == (self.size_bytes, self.mtime_ns, self.ctime_ns)


def sources_of(root: Path, hashes: Iterable[ContentHash]) -> dict[str, Source]:
    """A source for each content, by sha256: the first of the files that have it."""
    sources: dict[str, Source] = {}
    for row in hashes:
        if row.sha256 is not None and row.sha256 not in sources:
            path = os.path.join(root, from_text(row.path))
            sources[row.sha256] = Source(row.sha256, path, row.size_bytes, row.mtime_ns, row.ctime_ns)
    return sources
