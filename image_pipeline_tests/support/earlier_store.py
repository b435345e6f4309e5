"""Stores as an earlier version of the program left them: tables, ledger, and a collection of an earlier layout."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import CollectionVersion
from image_pipeline.collection.points import Point
from image_pipeline.files.partition import Partition
from image_pipeline.schema.rows import (
    ContentHash,
    DecodedContent,
    DiscoveredFile,
    Embedding,
    ImageCaption,
    MetadataOfImage,
    Sidecar,
    Stage,
)
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.stages.partition_points import Provenance, points_of, read_tables
from image_pipeline.storage.ledger import Ledger, LedgerEntry
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables

AT = "2026-11-01T08:00:00+00:00"


def version_of(settings: Settings, layout: int) -> CollectionVersion:
    """The version of the collection that the models of `settings` fill, in this layout."""
    return replace(Wiring(settings).models.collection_version(settings.collection), layout=layout)


def write_tables(settings: Settings, directories: int, each: int) -> list[Point]:
    """Fill tables and ledger with `each` photographs in each of some directories; returns their points.

    There are no files: the tables are all that a fill reads.
    """
    assert settings.library is not None
    store = Store(settings.home)
    store.prepare(settings.library)
    tables, ledger = StageTables(store), Ledger(store.ledger_file)
    ledger.set_library(settings.library)
    version = version_of(settings, layout=1)
    rng = np.random.default_rng(7)
    points = []
    for number in range(directories):
        key = f"trip {number:05}"
        paths = [f"{key}/IMG_{picture:04}.jpg" for picture in range(each)]
        sha256s = [f"{number:032x}{picture:032x}" for picture in range(each)]
        vectors = rng.normal(size=(each, version.dimension)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        tables.write(DiscoveredFile, key, [DiscoveredFile(p, 1, 2, 3, "jpeg") for p in paths], note="fingerprint")
        tables.write(ContentHash, key, [ContentHash(p, 1, 2, 3, s, None) for p, s in zip(paths, sha256s, strict=True)])
        tables.write(
            MetadataOfImage,
            key,
            [
                MetadataOfImage(s, width=4000, height=3000, camera_make="Canon", iso=100 + number % 7, country="Spain")
                for s in sha256s
            ],
        )
        tables.write(DecodedContent, key, [DecodedContent(s, None, "jpeg", "decoder 1", None, None) for s in sha256s])
        tables.write(Embedding, key, [Embedding(s, v.tolist()) for s, v in zip(sha256s, vectors, strict=True)])
        tables.write(ImageCaption, key, [ImageCaption(s, f"a red circle {number}", 0.5) for s in sha256s])
        tables.write(Sidecar, key, [])
        ledger.record(LedgerEntry(key, "fingerprint", each, each, 0, version.name, "earlier", f"run {number}", AT), [])
        provenance = Provenance({Stage.EMBEDDINGS: version.producer}, f"run {number}", AT)
        points += points_of(Partition(key), read_tables(tables, key), provenance)
    return points


def describe_former(settings: Settings) -> Path:
    """Write the description of a former embedded Qdrant with the collection of layout 1; its points are not there."""
    version = version_of(settings, layout=1)
    directory = Store(settings.home).qdrant_directory
    metadata = {
        "embedding_producer": version.producer,
        "embedding_model": version.model,
        "embedding_dtype": version.dtype,
        "library": str(settings.library),
    }
    described = {"vectors": {"size": version.dimension, "distance": "Cosine"}, "metadata": metadata}
    file = directory / "collection" / version.name / "storage.sqlite"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"never read")
    content = {"collections": {version.name: described}, "aliases": {version.alias: version.name}}
    (directory / "meta.json").write_text(json.dumps(content))
    return file


def make_earlier_layout(settings: Settings, address: QdrantAddress, points: list[Point]) -> None:
    """Make the collection of layout 1 at an address, with its points."""
    with address.connect(settings.collection) as qdrant:
        collection = qdrant.collection(version_of(settings, layout=1))
        collection.ensure()
        for _ in collection.upsert(points):
            pass
