"""A store, its tables, and rows for them."""

import hashlib
from pathlib import Path

import pytest

from image_pipeline.collection.collection import CollectionVersion
from image_pipeline.schema.rows import (
    MetadataOfImage,
)
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables

DIMENSION = 4
VERSION = CollectionVersion("images", "open_clip:tiny@1", "0a1b2c3d", DIMENSION, "org/tiny@1", "fp32")
NEXT_VERSION = CollectionVersion("images", "open_clip:next@2", "ffee0011", DIMENSION, "org/next@2", "fp32")


def sha256(content: str) -> str:
    """The content hash of a text."""
    return hashlib.sha256(content.encode()).hexdigest()


def unit_vector(content: str, dimension: int = DIMENSION) -> list[float]:
    """A vector of unit length that belongs to a content."""
    numbers = [byte - 127.5 for byte in hashlib.sha256(content.encode()).digest()[:dimension]]
    length = sum(number * number for number in numbers) ** 0.5
    return [number / length for number in numbers]


def metadata(content: str, **known: object) -> MetadataOfImage:
    """The metadata of a content; what is not given is not known."""
    columns = dict.fromkeys(MetadataOfImage.descriptions())
    return MetadataOfImage(**{**columns, "sha256": sha256(content), "width": 40, "height": 30, **known})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def tables(store: Store) -> StageTables:
    """The tables of the store."""
    return StageTables(store)
