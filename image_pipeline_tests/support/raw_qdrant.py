"""Qdrant past the pipeline's own way to it: for tests that spoil it, or look at what the pipeline does not ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qdrant_client import QdrantClient

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.client_address import ClientAddress
from image_pipeline.collection.engine import HeldPoint
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.server import ServerAddress
from image_pipeline.collection.where import ANYWHERE


@contextmanager
def raw_client(address: QdrantAddress) -> Iterator[QdrantClient]:
    """A client of Qdrant's own, with the errors and the lock of `QdrantAddress.connect`."""
    assert isinstance(address, ClientAddress)
    with address.errors_for_people(), address.lock(), address.client() as client:
        yield client


def qdrant_over(client: QdrantClient, address: QdrantAddress, alias: str) -> Qdrant:
    """The pipeline's own way to Qdrant, over such a client."""
    assert isinstance(address, ClientAddress)
    return Qdrant(address.engine_over(client), alias)


def held_points(address: QdrantAddress, alias: str) -> list[HeldPoint]:
    """All points that a search could find, with their vectors, whatever kind of Qdrant holds them."""
    with address.connect(alias) as qdrant:
        target = qdrant.alias_target()
        assert target is not None
        found, following = qdrant._engine.page(target, ANYWHERE, 10_000, None, None, with_vectors=True)
    assert following is None
    return found


def delete_collections(address: QdrantAddress) -> None:
    """Delete all collections, whoever made them."""
    with raw_client(address) as client:
        for collection in client.get_collections().collections:
            client.delete_collection(collection.name)


def settings_of(address: QdrantAddress) -> dict[str, Any]:
    """The settings that lead to a server; none for an embedded Qdrant, which is in the store."""
    if isinstance(address, ServerAddress):
        return {"qdrant_url": address.url, "qdrant_grpc_port": address.grpc_port}
    return {}
