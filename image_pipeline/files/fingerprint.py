"""A fingerprint of a directory's files: it changes when a name, a size or a time of change does."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ListedFile:
    """A regular file as a directory lists it; `name` is text, the rest its `FileStatus`."""

    name: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int


def fingerprint(files: Iterable[ListedFile]) -> str:
    """16 hex digits over the names, sizes and times of `files`, in the order given."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        # a name holds no NUL, so that no two listings are written alike
        digest.update(f"{file.name}\0{file.size_bytes}\0{file.mtime_ns}\0{file.ctime_ns}\0".encode())
    return digest.hexdigest()
