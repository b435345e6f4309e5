"""SHA-256 hashing of files."""

import hashlib
import os
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from image_pipeline.files.open_file import open_file
from image_pipeline.files.status import FileStatus
from image_pipeline.progress import Counter
from image_pipeline.schema.rows import ContentHash, DiscoveredFile

_BLOCK_BYTES = 1 << 18
_CHANGED = "The file changed since it was listed; the next run will read it again."


@dataclass(frozen=True)
class HashedFiles:
    """The hashes of a partition's files; `hashed` files, with `hashed_bytes` in total, were read for them."""

    rows: list[ContentHash]
    hashed: int
    hashed_bytes: int


def hash_files(root: Path, files: Sequence[DiscoveredFile], known: Iterable[ContentHash], threads: int) -> HashedFiles:
    """The hashes of `files`, in their order.

    A file whose size and times match a `known` hash is not read again; for the others, see `hash_each`.
    """
    hashes = {row.path: row for row in known if row.sha256 is not None}

    def is_known(file: DiscoveredFile) -> bool:
        row = hashes.get(file.path)
        return row is not None and FileStatus.noted(row) == FileStatus.noted(file)

    unknown = [file for file in files if not is_known(file)]
    counter = Counter("content_hashes", len(unknown))
    with closing(hash_each(root, unknown, threads)) as rows:
        for row in rows:
            hashes[row.path] = row
            counter.advance()
    return HashedFiles([hashes[file.path] for file in files], len(unknown), sum(file.size_bytes for file in unknown))


def hash_each(root: Path, files: Sequence[DiscoveredFile], threads: int) -> Generator[ContentHash]:
    """The hash of each of `files`, in their order, read by `threads` threads (hashing releases the GIL).

    Closing the generator early, as on Ctrl-C, does not wait for files that are being read, which may be large or on a
    slow network. A file that cannot be read, or has changed since it was listed, gives a row with a message.
    """
    stopped = Event()
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="hash") as executor:
        try:
            yield from executor.map(lambda file: _hash(root, file, stopped), files)
        finally:
            stopped.set()


def _hash(root: Path, file: DiscoveredFile, stopped: Event) -> ContentHash:
    """The SHA-256 of one file, read in blocks; none if the file has changed since it was listed."""
    sha256, message = hashlib.sha256(), None
    block = memoryview(bytearray(_BLOCK_BYTES))
    try:
        with open_file(root, file.path) as opened:
            while read := opened.readinto(block):
                if stopped.is_set():
                    raise CancelledError
                sha256.update(block[:read])
            if FileStatus.of(os.fstat(opened.fileno())) != FileStatus.noted(file):
                message = _CHANGED
    except OSError as error:
        message = error.strerror or str(error)
    digest = sha256.hexdigest() if message is None else None
    return ContentHash(file.path, file.size_bytes, file.mtime_ns, file.ctime_ns, digest, message)
