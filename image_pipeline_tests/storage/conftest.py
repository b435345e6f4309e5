"""A store, and the tables of a partition as the stages would leave them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from image_pipeline.collection.collection import CollectionVersion
from image_pipeline.files.partition import Partition
from image_pipeline.files.status import ListedFile, fingerprint
from image_pipeline.schema.outcome import Reason
from image_pipeline.schema.rows import (
    ContentHash,
    DecodedContent,
    DiscoveredFile,
    Embedding,
    ImageCaption,
    MetadataOfImage,
)
from image_pipeline.stages.partition_points import Provenance
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables

DIMENSION = 4
VERSION = CollectionVersion("images", "open_clip:tiny@1", "0a1b2c3d", DIMENSION, "org/tiny@1", "fp32")
NEXT_VERSION = CollectionVersion("images", "open_clip:next@2", "ffee0011", DIMENSION, "org/next@2", "fp32")
PROVENANCE = Provenance(VERSION.producer, "blip:tiny@1", "run-1", "2026-11-21T08:00:00+00:00")


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


@dataclass(frozen=True)
class StageRun:
    """Writes the tables of a partition, as a run of all stages would."""

    tables: StageTables

    def __call__(
        self,
        partition: Partition,
        files: dict[str, str | None],
        bad: Sequence[str] = (),
        known: dict[str, dict[str, object]] | None = None,
    ) -> None:
        """`files` are names and their contents (None: cannot be read); the contents `bad` cannot be decoded."""
        key = partition.key
        hashes = [
            ContentHash(
                partition.path_of(name),
                len(content or ""),
                1,
                1,
                None if content is None else sha256(content),
                None if content is not None else "Permission denied",
            )
            for name, content in sorted(files.items())
        ]
        listed = [ListedFile(name, len(content or ""), 1, 1) for name, content in sorted(files.items())]
        discovered = [DiscoveredFile(row.path, row.size_bytes, row.mtime_ns, row.ctime_ns, "jpeg") for row in hashes]
        contents = list(dict.fromkeys(content for content in files.values() if content is not None))
        good = [content for content in contents if content not in bad]
        decoded = [
            DecodedContent(sha256(content), None, None, "decoder 1", Reason.CORRUPT, "broken")
            if content in bad
            else DecodedContent(sha256(content), row, "jpeg", "decoder 1", None, None)
            for row, content in enumerate(contents)
        ]
        self.tables.write(DiscoveredFile, key, discovered, note=fingerprint(listed))
        self.tables.write(ContentHash, key, hashes)
        self.tables.write(
            MetadataOfImage, key, [metadata(content, **(known or {}).get(content, {})) for content in good]
        )
        self.tables.write(DecodedContent, key, decoded)
        self.tables.write(Embedding, key, [Embedding(sha256(content), unit_vector(content)) for content in good])
        self.tables.write(ImageCaption, key, [ImageCaption(sha256(content), f"a {content}", 0.5) for content in good])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


@pytest.fixture
def tables(store: Store) -> StageTables:
    """The tables of the store."""
    return StageTables(store)


@pytest.fixture
def run_stages(tables: StageTables) -> StageRun:
    """Writes tables into the store."""
    return StageRun(tables)
