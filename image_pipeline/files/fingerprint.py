"""Fingerprint of a directory's files: it changes when a file's name, size, mtime or ctime changes."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ListedFile:
    """A regular file as listed in its directory; `name` is text, the rest its `FileStatus`."""

    name: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int


def fingerprint(files: Iterable[ListedFile]) -> str:
    """16 hex digits over the names, sizes and times of `files`, in the order given."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        # names contain no NUL, so different listings are never encoded alike
        digest.update(f"{file.name}\0{file.size_bytes}\0{file.mtime_ns}\0{file.ctime_ns}\0".encode())
    return digest.hexdigest()
