"""The environment of this process, for a while."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_environment(**variables: str) -> Iterator[None]:
    """A block with `variables` set and no DAGSTER_HOME, so that Dagster's records are in the store.

    What the block sets in the environment is undone at its end, and so is a change of the umask.
    """
    before = dict(os.environ)
    umask = os.umask(0o077)
    os.umask(umask)
    os.environ.pop("DAGSTER_HOME", None)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        os.umask(umask)
