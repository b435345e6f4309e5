"""What the file system says of a file: enough to see that it has changed."""

import os
from dataclasses import dataclass
from typing import Protocol, Self

_FIRST_NS, _LAST_NS = -(1 << 63), (1 << 63) - 1


class HasStatus(Protocol):
    """A row that notes the status of a file."""

    @property
    def size_bytes(self) -> int:
        """The size, in bytes."""

    @property
    def mtime_ns(self) -> int:
        """The modification time."""

    @property
    def ctime_ns(self) -> int:
        """The time of the last change."""


@dataclass(frozen=True)
class FileStatus:
    """The size of a file, and its times in ns since 1970, as `stored_time` gives them.

    The modification time can be set by a program, and some set it back after an edit; the time of the last change of
    status (ctime) is the kernel's own.
    """

    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The status that the system gives."""
        return cls(status.st_size, stored_time(status.st_mtime_ns), stored_time(status.st_ctime_ns))

    @classmethod
    def noted(cls, row: HasStatus) -> Self:
        """The status that a row notes."""
        return cls(row.size_bytes, row.mtime_ns, row.ctime_ns)


def stored_time(time_ns: int) -> int:
    """A time of a file, in ns since 1970, as tables and databases hold it: in 64 bits, from 1677 to 2262.

    A file system may hold any other time: some hold 64 bits of seconds, and any program can set a modification time. It
    becomes the nearest that there is room for. A change of such a file shows all the same, by the time of its change
    of status, which nobody can set.
    """
    return max(_FIRST_NS, min(time_ns, _LAST_NS))
