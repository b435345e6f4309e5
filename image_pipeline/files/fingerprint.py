"""A fingerprint of a directory's files: it changes when a name, a size or a modification time does."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ListedFile:
    """A regular file as a directory lists it; `name` is text, and `size_bytes` and `mtime_ns` are the file system's."""

    name: str
    size_bytes: int
    mtime_ns: int


def fingerprint(files: Iterable[ListedFile]) -> str:
    """16 hex digits over the names, sizes and mtimes of `files`, in the order given."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        # a name holds no NUL, so that no two listings are written alike
        digest.update(f"{file.name}\0{file.size_bytes}\0{file.mtime_ns}\0".encode())
    return digest.hexdigest()
