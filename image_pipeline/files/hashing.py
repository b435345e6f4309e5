"""SHA-256 of files: a file's identity as content."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.names import from_text


@dataclass(frozen=True)
class HashedFile:
    """The content hash of a file, 64 hex digits; or, where it could not be read, None and the system's message."""

    path: str
    sha256: str | None
    message: str | None = None


def hash_file(root: Path, path: str) -> HashedFile:
    """The SHA-256 of one file, read in blocks."""
    try:
        # O_NONBLOCK: a FIFO that took the place of a file since it was listed would block for ever
        descriptor = os.open(root / from_text(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            return HashedFile(path, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        return HashedFile(path, None, error.strerror or str(error))


def hash_files(root: Path, paths: Sequence[str], threads: int) -> Iterator[HashedFile]:
    """The hashes of `paths` (relative to `root`), in their order, read by `threads` threads (hashing frees the GIL)."""
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="hash") as executor:
        yield from executor.map(lambda path: hash_file(root, path), paths)
