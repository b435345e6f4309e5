"""The tables of a partition, as the stages would leave them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

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
    Stage,
)
from image_pipeline.stages.partition_points import Provenance
from image_pipeline.stages.registry import STAGES
from image_pipeline.storage.tables import StageTables
from image_pipeline_tests.storage.conftest import VERSION, metadata, sha256, store, tables, unit_vector

__all__ = ["store", "tables"]

VERSIONS = {
    Stage.DISCOVERED_FILES: "discovery 1",
    Stage.IMAGE_METADATA: "metadata 1",
    Stage.DECODED_TENSORS: "decoder 1",
    Stage.EMBEDDINGS: VERSION.producer,
    Stage.CAPTIONS: "blip:tiny@1",
}
PROVENANCE = Provenance(VERSIONS, "run-1", "2026-11-21T08:00:00+00:00")


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
        for stage in Stage:
            if not self.tables.store.table_file(stage, key).exists():  # one that is switched off in `VERSIONS`
                self.tables.write(STAGES[stage].row, key, [])


@pytest.fixture
def run_stages(tables: StageTables) -> StageRun:
    """Writes tables into the store."""
    return StageRun(tables)
