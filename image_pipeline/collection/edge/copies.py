"""The note of a copy of a shard that is in the making, and the lock of the processes that make it.

The kernel releases the lock when these processes end, however they end: without it, an unfinished copy is a leftover.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

NAME = "copy"


class CopyNote:
    """The file in `directory` that names the shard that is copied, as long as the copy is up to date."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / NAME

    @contextmanager
    def lock(self) -> Iterator[int | None]:
        """Hold the lock; yields its descriptor, None if a different process holds it. A child that inherits it, too.

        Raises OSError if the file cannot be created.
        """
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def unless_in_progress(self) -> Iterator[bool]:
        """Whether no copy is in progress; none begins in the block."""
        with ExitStack() as kept:
            is_free = True
            if self._file.exists():
                with suppress(OSError):
                    is_free = kept.enter_context(self.lock()) is not None
            yield is_free

    def write(self, folder: str) -> None:
        """Note that the shard in `folder` is copied from now on. Raises OSError."""
        self._file.write_text(json.dumps(folder))

    def is_current(self, folder: str) -> bool:
        """Whether the shard in `folder` is being copied, and has not changed since `write`."""
        try:
            return bool(json.loads(self._file.read_text()) == folder)
        except (OSError, ValueError):
            return False

    def clear(self) -> None:
        """Note that nothing is copied any more. Raises OSError."""
        os.truncate(self._file, 0)

    def outdate(self, folder: str) -> None:
        """Note that the shard in `folder` changes: a copy that is in progress will not be used. Raises OSError."""
        if self.is_current(folder):
            self.clear()
