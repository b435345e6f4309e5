"""What the pipeline writes of its own is for the user alone who runs it: directories 0700, files 0600."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PRIVATE = 0o077

_USUAL = "_IMAGE_PIPELINE_UMASK"
"""The variable that hands the umask that the person has on to the processes that are begun from this one, in octal."""


def keep_private() -> None:
    """Let all that this process, and those that it begins, make from now on be private, whatever the umask was.

    The umask is what holds for Dagster's records, Qdrant's files and the files beside a database, too, which others
    make.
    """
    os.environ.setdefault(_USUAL, f"{os.umask(_PRIVATE):o}")


@contextmanager
def usual_rights() -> Iterator[None]:
    """For the length of the block, files get the rights that the umask said before: they lie outside of the store."""
    before = os.umask(_PRIVATE)
    os.umask(int(os.environ.get(_USUAL, f"{before:o}"), 8))
    try:
        yield
    finally:
        os.umask(before)
