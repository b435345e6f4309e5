"""Connections to Qdrant: the kind of Qdrant that the settings select, and a connection that is kept open."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from image_pipeline.client_keys import qdrant_key
from image_pipeline.collection.address import QdrantAddress, Traits
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.engine import Engine
from image_pipeline.collection.former import Former
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.server import ServerAddress
from image_pipeline.settings import Settings
from image_pipeline.storage.store import Store


def address_of(settings: Settings, former: Former | None = None) -> QdrantAddress:
    """The address of Qdrant according to the settings: a server if they name one, else the embedded one in the store.

    This is the only place that decides which kind it is. `former` is what the embedded one replaces, if anything.
    """
    if settings.qdrant_url is None:
        store = Store(settings.home)
        return EdgeAddress(store.edge_directory, store.qdrant_lock_file, settings.lock_seconds, former)
    return ServerAddress(settings.qdrant_url, settings.qdrant_grpc_port, qdrant_key(settings))


class KeptAddress(QdrantAddress):
    """The same Qdrant as `address`, through a connection that is kept: for all that a process asks besides.

    A second connection to an embedded Qdrant would have to wait until the first one gives way.
    """

    def __init__(self, address: QdrantAddress, connection: "KeptConnection") -> None:
        self._address, self._connection = address, connection

    @property
    def traits(self) -> Traits:
        """Those of the address."""
        return self._address.traits

    @property
    def exists(self) -> bool:
        """As the address."""
        return self._address.exists

    def check(self) -> None:
        """As the address."""
        self._address.check()

    def versions(self, alias: str) -> list[str]:
        """As the address."""
        with self.connect(alias) as qdrant:
            return qdrant.versions()

    @contextmanager
    def connect(self, alias: str) -> Iterator[Qdrant]:
        """The connection that is kept, for the collection that it is for; ValueError for another one."""
        with self._connection.connect() as qdrant:
            if qdrant.alias != alias:
                raise ValueError(f"The connection is for the collection {qdrant.alias!r}, not {alias!r}.")
            yield qdrant

    def errors_for_people(self) -> AbstractContextManager[None]:
        """As the address."""
        return self._address.errors_for_people()

    def engine(self) -> AbstractContextManager[Engine]:
        """As the address: one that is not kept."""
        return self._address.engine()


class KeptConnection:
    """A connection for many requests: kept open if other processes need not wait for it, else opened for each request.

    They have to wait for a Qdrant that is neither shared nor gives way. Several threads can use it at the same time.
    """

    def __init__(self, address: QdrantAddress, alias: str) -> None:
        self._address, self._alias = address, alias
        self._kept = ExitStack()
        self._opening = threading.Lock()
        self._qdrant: Qdrant | None = None

    @contextmanager
    def connect(self) -> Iterator[Qdrant]:
        """A connection, for the length of the block. Raises as `QdrantAddress.connect` does."""
        traits = self._address.traits
        if not (traits.is_shared or traits.gives_way):
            with self._address.connect(self._alias) as qdrant:
                yield qdrant
            return
        with self._address.errors_for_people():
            with self._opening:
                if self._qdrant is None:
                    self._qdrant = Qdrant(self._kept.enter_context(self._address.engine()), self._alias)
                qdrant = self._qdrant
            yield qdrant

    def close(self) -> None:
        """Close the connection that was kept, if any."""
        self._kept.close()
