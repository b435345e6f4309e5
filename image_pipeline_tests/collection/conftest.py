"""The kinds of Qdrant that the contract of the collection holds for."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.edge.address import EdgeAddress


@pytest.fixture
def edge_address(memory: Path) -> Iterator[EdgeAddress]:
    """A Qdrant Edge with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="edge-", dir=memory) as directory:
        store = Path(directory)
        yield EdgeAddress(store / "qdrant-edge", store / "qdrant.lock", lock_seconds=1.0)


@pytest.fixture(params=["embedded", "server", "edge"])
def any_address(request: pytest.FixtureRequest) -> QdrantAddress:
    """Every kind of Qdrant, with nothing in it."""
    address: QdrantAddress = request.getfixturevalue(f"{request.param}_address")
    return address
