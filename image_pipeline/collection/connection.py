"""Connections to Qdrant as the settings say: which kind it is, and how long a connection is kept."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.embedded import EmbeddedAddress
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.server import ServerAddress
from image_pipeline.settings import Settings
from image_pipeline.storage.store import Store


def address_of(settings: Settings) -> QdrantAddress:
    """The address of Qdrant according to the settings: a server if they name one, else the embedded one in the store.

    Nothing else decides which kind it is.
    """
    if settings.qdrant_url is None:
        store = Store(settings.home)
        return EmbeddedAddress(store.qdrant_directory, store.qdrant_lock_file, settings.lock_seconds)
    key = None if settings.qdrant_api_key is None else settings.qdrant_api_key.get_secret_value()
    return ServerAddress(settings.qdrant_url, settings.qdrant_grpc_port, key)


class KeptConnection:
    """A connection for many questions: to a shared Qdrant it is kept; otherwise each question opens it again.

    Other processes wait for a Qdrant that is not shared as long as it is open.
    """

    def __init__(self, address: QdrantAddress, alias: str) -> None:
        self._address, self._alias = address, alias
        self._kept = ExitStack()
        self._qdrant: Qdrant | None = None

    @contextmanager
    def connect(self) -> Iterator[Qdrant]:
        """A connection, for the length of the block. Raises as `QdrantAddress.connect` does."""
        if not self._address.traits.is_shared:
            with self._address.connect(self._alias) as qdrant:
                yield qdrant
            return
        with self._address.errors_for_people():
            if self._qdrant is None:
                self._qdrant = Qdrant(self._kept.enter_context(self._address.client()), self._alias, self._address.tune)
            yield self._qdrant

    def close(self) -> None:
        """Close the connection that was kept, if any."""
        self._kept.close()
