"""The address of a Qdrant that is reached through the Qdrant client."""

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.engine import Engine

if TYPE_CHECKING:
    from qdrant_client import QdrantClient


class ClientAddress(QdrantAddress):
    """An address with a Qdrant client, and a lock for it if one process at a time may use it."""

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """An engine over a client, which holds the lock. Raises as `lock` and `client` do."""
        with self.lock(), self.client() as client:
            yield self.engine_over(client)

    def engine_over(self, client: "QdrantClient") -> Engine:
        """An engine over an open client."""
        from image_pipeline.collection.client_engine import ClientEngine

        return ClientEngine(client, self.tune)

    @abstractmethod
    def lock(self) -> AbstractContextManager[None]:
        """Wait until this process may open it, and keep other processes waiting for the length of the block."""

    @abstractmethod
    def client(self) -> AbstractContextManager["QdrantClient"]:
        """A client, to be used in blocks of `errors_for_people`."""

    @abstractmethod
    def tune(self) -> None:
        """Set up how the points of a version are written; called after the version was created."""
