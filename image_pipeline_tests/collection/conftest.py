"""The kinds of Qdrant that the contract of the collection holds for."""

import pytest

from image_pipeline.collection.address import QdrantAddress


@pytest.fixture(params=["embedded", "server"])
def any_address(request: pytest.FixtureRequest) -> QdrantAddress:
    """Every kind of Qdrant, with nothing in it."""
    address: QdrantAddress = request.getfixturevalue(f"{request.param}_address")
    return address
