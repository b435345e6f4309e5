"""Qdrant past the pipeline's own way to it: for tests that spoil it, or look at what the pipeline does not ask for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qdrant_client import QdrantClient

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.client_address import ClientAddress
from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.server import ServerAddress
from image_pipeline.collection.where import ANYWHERE, Where


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


@contextmanager
def open_engine(address: QdrantAddress) -> Iterator[Engine]:
    """The engine of any kind of Qdrant, with the errors of `QdrantAddress.connect`."""
    with address.errors_for_people(), address.engine() as engine:
        yield engine


def all_points(engine: Engine, name: str, where: Where = ANYWHERE) -> list[HeldPoint]:
    """All points of a collection that match, with their payloads and vectors."""
    found, following = engine.page(name, where, 10_000, None, None, with_vectors=True)
    assert following is None
    return found


def held_points(address: QdrantAddress, alias: str) -> list[HeldPoint]:
    """All points that a search could find, with their vectors, whatever kind of Qdrant holds them."""
    with open_engine(address) as engine:
        return all_points(engine, engine.aliases()[alias])


def delete_collections(address: QdrantAddress) -> None:
    """Delete all collections, whoever made them."""
    with open_engine(address) as engine:
        for name in engine.names():
            engine.drop(name)


def settings_of(address: QdrantAddress) -> dict[str, Any]:
    """The settings that lead to a server; none for an embedded Qdrant, which is in the store."""
    if isinstance(address, ServerAddress):
        return {"qdrant_url": address.url, "qdrant_grpc_port": address.grpc_port}
    return {}
