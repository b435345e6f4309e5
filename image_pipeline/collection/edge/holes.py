"""Holes in the files of a shard: space that is taken from the disk before Qdrant Edge writes there.

Its files are mapped into memory and have holes. Writing into one on a full disk ends the process (SIGBUS); taking the
space beforehand raises an error instead.
"""

import errno
import json
import os
from contextlib import suppress
from pathlib import Path

OPERATIONS = 4
"""So many operations fit into the space that is reserved, unless one of them begins a new file."""

_SMALL_BYTES = 256 << 10
_POINTS = 4096
_POINTER_BYTES, _FLAGS_PER_BYTE = 16, 8  # each index has a pointer and two flags for each point
_INDEX_BYTES, _CONTENT_BYTES = 256 << 10, 4 << 20
_FLAGS = "deleted.bin"  # of a sealed index: a flag for each point, any of which may be set
_LOG_BYTES = 8 << 20
_BLOCK_BYTES = 64 << 10

_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def reserve(folder: Path) -> None:
    """Take space for the next `OPERATIONS` of up to 256 points from the disk: 35 MB for a new shard in `folder`.

    Does nothing where the system or the file system cannot do it. Raises OSError (ENOSPC) if the disk is full.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    for file in (folder / "wal").glob("open-*"):
        _fill(file, _used(file) + _LOG_BYTES)
    for segment in (folder / "segments").glob("*"):
        for vectors in segment.glob("vector_storage/*vectors"):
            _begin_next(vectors, folder / ".next-chunk")
        pointers = _used(segment / "payload_storage" / "tracker.dat") + _POINTS * _POINTER_BYTES
        for path, _, names in os.walk(segment):
            for name in names:
                if name.endswith((".dat", ".mmap")) or name == _FLAGS:
                    file = Path(path, name)
                    _fill(file, _end(file, pointers))


def _begin_next(vectors: Path, temporary: Path) -> None:
    """Begin the next file for vectors if what is written next may not fit into the last one.

    They are numbered, and of the size that the storage's configuration says. Edge takes one that is there already.
    """
    with suppress(ValueError, KeyError, TypeError):  # of a damaged storage; nothing of it is mended here
        size = int(json.loads((vectors / "config.json").read_bytes())["chunk_size_bytes"])
        files = sorted(vectors.glob("chunk_*.mmap"), key=lambda file: int(file.stem.removeprefix("chunk_")))
        if files and _used(files[-1]) + _CONTENT_BYTES <= size:
            return
        with temporary.open("wb") as file:
            file.truncate(size)
        _fill(temporary, _CONTENT_BYTES)
        temporary.rename(vectors / f"chunk_{len(files)}.mmap")


def _end(file: Path, pointers: int) -> int:
    """The end of what may be written to a file of a segment; `pointers` is that of a file of pointers."""
    size = file.stat().st_size
    if size <= _SMALL_BYTES or file.name == _FLAGS:
        return size
    if file.name == "tracker.dat":
        return pointers
    if file.name.startswith("flags"):
        return pointers // _POINTER_BYTES // _FLAGS_PER_BYTE
    return _used(file) + (_INDEX_BYTES if "payload_index" in file.parts else _CONTENT_BYTES)


def _fill(file: Path, end: int) -> None:
    """Fill the holes of a file up to `end`, or to its own end if that comes first."""
    status = file.stat()
    if status.st_blocks * 512 >= status.st_size:
        return
    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.posix_fallocate(descriptor, 0, min(end, status.st_size))
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(descriptor)


def _used(file: Path) -> int:
    """About the end of what was written to a file; 0 if there is nothing.

    Space that is only reserved counts as data in some file systems, but consists of zeros.
    """
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        end = _end_of_data(descriptor)
        while end > 0:
            start = max(0, end - _BLOCK_BYTES)
            written = os.pread(descriptor, end - start, start).rstrip(b"\0")
            if written:
                return start + len(written)
            end = start
        return 0
    finally:
        os.close(descriptor)


def _end_of_data(descriptor: int) -> int:
    end = 0
    try:
        while True:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
    except OSError as error:
        if error.errno != errno.ENXIO:  # there is no more
            raise
        return end
