"""What was ingested, and with what."""

from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.names import to_text
from image_pipeline.files.partition import Partition
from image_pipeline.settings import Settings
from image_pipeline.storage.collection import EMBEDDED_LIMIT, alias_target
from image_pipeline.storage.connection import QdrantAddress
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.search import searched_version


@dataclass(frozen=True)
class Status:
    """The library, the version of the collection that is searched (None before the first ingestion), and counts.

    `models` is the embedding producer of what is searched, or, where nothing is yet, the setting.
    """

    library: str | None
    collection: str | None
    points: int
    directories: int
    quarantined: int
    models: str
    qdrant: str

    @property
    def advice(self) -> str | None:
        """What a person should know, if anything."""
        if self.points <= EMBEDDED_LIMIT or not self.qdrant.startswith("embedded"):
            return None
        return (
            f"The embedded Qdrant slows down beyond {EMBEDDED_LIMIT:,} points: start a Qdrant server, set QDRANT_URL, "
            "and ingest once more; no image goes through a model again."
        )


def read_status(settings: Settings, library: Path | None, ledger: Ledger, address: QdrantAddress) -> Status:
    """The status. Raises ServiceUnavailableError where Qdrant does not answer."""
    entries = ledger.entries()
    collection, points, models = None, 0, settings.models
    if address.url is not None or address.directory.exists():
        with address.connect() as client:
            collection = alias_target(client, settings.collection)
            if collection is not None:
                points = client.count(collection, exact=True).count
                models = searched_version(client, settings.collection).producer
    return Status(
        library=None if library is None else to_text(str(library)),
        collection=collection,
        points=points,
        directories=len({Partition.from_key(key).directory for key in entries}),
        quarantined=sum(entry.quarantined for entry in entries.values()),
        models=models,
        qdrant=str(address),
    )
