"""Private files: only the user who runs the pipeline can read what it writes (directories 0700, files 0600)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PRIVATE = 0o077

_USUAL = "_IMAGE_PIPELINE_UMASK"
"""The variable that passes the user's own umask, in octal, to child processes."""


def keep_private() -> None:
    """Make all files that this process and its children create from now on private, whatever the umask was.

    The umask also applies to files that other libraries create: Dagster's records, Qdrant's files, and SQLite's files
    beside a database.
    """
    os.environ.setdefault(_USUAL, f"{os.umask(_PRIVATE):o}")


@contextmanager
def default_permissions() -> Iterator[None]:
    """For the length of the block, create files with the user's own umask, for files outside the store."""
    before = os.umask(_PRIVATE)
    os.umask(int(os.environ.get(_USUAL, f"{before:o}"), 8))
    try:
        yield
    finally:
        os.umask(before)
