"""Replaced versions: a request to Qdrant is repeated if the version that it reads is deleted meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from image_pipeline.collection.engine import Engine
from image_pipeline.errors import CollectionError

Answer = TypeVar("Answer")


class VersionReplacedError(CollectionError):
    """The version that was being read was deleted: a newer one is complete, and is searched now."""

    transient = True


@contextmanager
def reading(engine: Engine, version: str) -> Iterator[None]:
    """Raises VersionReplacedError for any error in the block if Qdrant no longer has `version`.

    If Qdrant still has it, the error passes unchanged. Each engine words a missing collection differently, so the
    collection is looked up instead.
    """
    try:
        yield
    except Exception as error:
        if engine.exists(version):
            raise
        raise VersionReplacedError(
            f"The collection {version!r} was replaced while it was being read, and so was the one after it: try again."
        ) from error


def again_if_replaced(ask: Callable[[], Answer]) -> Answer:
    """The result of `ask`, which is called a second time if the version that it read was replaced meanwhile.

    Raises VersionReplacedError if that happens to the second call, too.
    """
    try:
        return ask()
    except VersionReplacedError:
        return ask()
