"""SHA-256 of files: a file's identity as content."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.opening import open_file
from image_pipeline.files.status import FileStatus
from image_pipeline.storage.rows import ContentHash, DiscoveredFile

_CHANGED = "The file changed since it was listed; it is read again in the next run."


@dataclass(frozen=True)
class HashedFiles:
    """The hashes of a partition's files; of `hashed` files, `hashed_bytes` in all, the content was read."""

    rows: list[ContentHash]
    hashed: int
    hashed_bytes: int


def hash_files(root: Path, files: Sequence[DiscoveredFile], known: Iterable[ContentHash], threads: int) -> HashedFiles:
    """The hashes of `files`, in their order.

    A file whose size and times are those of a `known` hash is not read again; the others are read by `threads`
    threads (hashing frees the GIL). A file that cannot be read is a row with the system's message.
    """
    hashes = {row.path: row for row in known if row.sha256 is not None}

    def is_known(file: DiscoveredFile) -> bool:
        row = hashes.get(file.path)
        return row is not None and FileStatus.noted(row) == FileStatus.noted(file)

    unknown = [file for file in files if not is_known(file)]
    if unknown:
        with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="hash") as executor:
            for row in executor.map(lambda file: hash_file(root, file), unknown):
                hashes[row.path] = row
    return HashedFiles([hashes[file.path] for file in files], len(unknown), sum(file.size_bytes for file in unknown))


def hash_file(root: Path, file: DiscoveredFile) -> ContentHash:
    """The SHA-256 of one file, read in blocks; none where it is not, before and after, as it was listed."""
    sha256 = message = None
    try:
        with open_file(root, file.path) as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            if FileStatus.of(os.fstat(opened.fileno())) != FileStatus.noted(file):
                sha256, message = None, _CHANGED
    except OSError as error:
        message = error.strerror or str(error)
    return ContentHash(file.path, file.size_bytes, file.mtime_ns, file.ctime_ns, sha256, message)
