"""What the pipeline writes of its own is for the user alone who runs it: directories 0700, files 0600."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PRIVATE = 0o077

_usual: int | None = None


def keep_private() -> None:
    """Let all that this process, and those that it begins, make from now on be private, whatever the umask was.

    The umask is what holds for Dagster's records, Qdrant's files and the files beside a database, too, which others
    make.
    """
    global _usual
    before = os.umask(_PRIVATE)
    if _usual is None:
        _usual = before


@contextmanager
def usual_rights() -> Iterator[None]:
    """For the length of the block, files get the rights that the umask said before: they lie outside of the store."""
    before = os.umask(os.umask(_PRIVATE) if _usual is None else _usual)
    try:
        yield
    finally:
        os.umask(before)
