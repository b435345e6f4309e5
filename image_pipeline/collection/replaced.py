"""A version of the collection that another one replaces while it is being read: what was asked is asked once more."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from image_pipeline.errors import CollectionError

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

Answer = TypeVar("Answer")


class VersionReplacedError(CollectionError):
    """The version that was being read was deleted: a newer one is complete, and is searched now."""

    transient = True


@contextmanager
def reading(client: "QdrantClient", version: str) -> Iterator[None]:
    """Raises VersionReplacedError for whatever goes wrong in the block if Qdrant no longer has `version`.

    Other errors pass. The embedded Qdrant and a server say in different words that a collection is not there, so
    Qdrant is asked for it instead.
    """
    try:
        yield
    except Exception as error:
        if client.collection_exists(version):
            raise
        raise VersionReplacedError(
            f"The collection {version!r} was replaced while it was being read, and so was the one after it: try again."
        ) from error


def again_if_replaced(ask: Callable[[], Answer]) -> Answer:
    """What `ask` gives; it is called once more if the version that it read was replaced meanwhile.

    Raises VersionReplacedError if that happens to the second call, too.
    """
    try:
        return ask()
    except VersionReplacedError:
        return ask()
