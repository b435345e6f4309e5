"""File status: size and times, enough to see that a file has changed; and fingerprints of all files of a directory."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, Self

_FIRST_NS, _LAST_NS = -(1 << 63), (1 << 63) - 1


class HasStatus(Protocol):
    """A row that holds the status of a file."""

    @property
    def size_bytes(self) -> int:
        """The size, in bytes."""

    @property
    def mtime_ns(self) -> int:
        """The modification time, in ns since 1970."""

    @property
    def ctime_ns(self) -> int:
        """The time of the last change of status, in ns since 1970."""


@dataclass(frozen=True)
class FileStatus:
    """The size of a file, and its times in ns since 1970, as `stored_time` returns them.

    Programs can set the modification time, and some restore it after an edit; the time of the last change of status
    (ctime) is set only by the kernel.
    """

    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The status from the system."""
        return cls(status.st_size, stored_time(status.st_mtime_ns), stored_time(status.st_ctime_ns))

    @classmethod
    def noted(cls, row: HasStatus) -> Self:
        """The status in a row."""
        return cls(row.size_bytes, row.mtime_ns, row.ctime_ns)


def stored_time(time_ns: int) -> int:
    """A file time in ns since 1970, clamped to what 64 bits in tables and databases can hold: 1677 to 2262.

    File systems can hold other times: some store seconds in 64 bits, and any program can set the modification time.
    Changes of such a file are still noticed by its ctime, which cannot be set.
    """
    return max(_FIRST_NS, min(time_ns, _LAST_NS))


@dataclass(frozen=True)
class ListedFile:
    """A regular file as listed in its directory: its `name` as text, its `FileStatus`, its sidecars, best first."""

    name: str
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    sidecars: "tuple[ListedFile, ...]" = ()


def fingerprint(files: Iterable[ListedFile]) -> str:
    """16 hex digits over the names, sizes and times of `files` and their sidecars, in the order given."""
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        # names contain no NUL and are not empty, so different listings are never encoded alike
        digest.update(_line(file))
        for sidecar in file.sidecars:
            digest.update(b"\0" + _line(sidecar))
    return digest.hexdigest()


def _line(file: ListedFile) -> bytes:
    return f"{file.name}\0{file.size_bytes}\0{file.mtime_ns}\0{file.ctime_ns}\0".encode()
