"""The points of a partition, from the tables of its stages; and its quarantine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from image_pipeline.collection.points import Point, make_point
from image_pipeline.errors import StoreError
from image_pipeline.files.partition import Partition
from image_pipeline.schema.reason import Reason
from image_pipeline.schema.rows import DiscoveredFile, MetadataOfImage, Stage
from image_pipeline.storage.ledger import QuarantinedFile
from image_pipeline.storage.tables import PartitionTables


@dataclass(frozen=True)
class Provenance:
    """What made the points of a run, and when (`at`: ISO 8601, UTC)."""

    embedding_producer: str
    caption_producer: str | None
    run_id: str
    at: str


def points_of(partition: Partition, tables: PartitionTables, provenance: Provenance) -> list[Point]:
    """A point for each file of the partition whose content has an embedding, in the order of the files."""
    metadata = {row.sha256: row for row in tables.metadata}
    decoded = {row.sha256: row for row in tables.decoded}
    unreadable = {row.sha256 for row in tables.decoded if row.reason is not None}
    embeddings = {row.sha256: row for row in tables.embeddings}
    captions = {row.sha256: row for row in tables.captions}
    points = []
    for file in tables.hashes:
        sha256 = file.sha256
        if sha256 is None or sha256 not in embeddings or sha256 in unreadable:
            continue
        caption = captions.get(sha256)
        payload = {
            "directory": partition.directory,
            "partition": partition.key,
            "sha256": sha256,
            "size_bytes": file.size_bytes,
            "caption": caption.caption if caption else None,
            "caption_confidence": round(caption.confidence, 4) if caption else None,
            **(_metadata_payload(metadata[sha256]) if sha256 in metadata else {}),
            "decode_path": decoded[sha256].decode_path,
            "embedding_producer": provenance.embedding_producer,
            "caption_producer": provenance.caption_producer if caption else None,
            "run_id": provenance.run_id,
            "ingested_at": provenance.at,
        }
        points.append(make_point(file.path, embeddings[sha256].vector, payload))
    return points


def check_tables(
    partition: Partition, files: Sequence[DiscoveredFile], tables: PartitionTables, provenance: Provenance
) -> None:
    """Raises StoreError where the tables are of different runs, as where single stages were materialized by hand.

    Files would then be neither points nor in quarantine.
    """
    listed = [(file.path, file.size_bytes, file.mtime_ns, file.ctime_ns) for file in files]
    if listed != [(file.path, file.size_bytes, file.mtime_ns, file.ctime_ns) for file in tables.hashes]:
        raise _outdated(partition, Stage.CONTENT_HASHES)
    hashed = {file.sha256 for file in tables.hashes if file.sha256 is not None}
    if not hashed <= {row.sha256 for row in tables.decoded}:
        raise _outdated(partition, Stage.DECODED_TENSORS)
    readable = {row.sha256 for row in tables.decoded if row.reason is None}
    if not hashed & readable <= {row.sha256 for row in tables.embeddings}:
        raise _outdated(partition, Stage.EMBEDDINGS)
    if not hashed & readable <= {row.sha256 for row in tables.metadata}:
        raise _outdated(partition, Stage.IMAGE_METADATA)
    if provenance.caption_producer is not None and not hashed & readable <= {row.sha256 for row in tables.captions}:
        raise _outdated(partition, Stage.CAPTIONS)


def _outdated(partition: Partition, stage: Stage) -> StoreError:
    return StoreError(
        f"The {stage} of partition {partition.key!r} are older than what they are made of: "
        "materialize all stages of it together."
    )


def _metadata_payload(row: MetadataOfImage) -> dict[str, Any]:
    payload = dict(vars(row))  # `asdict` copies each value deeply, and takes ten times as long
    latitude, longitude, _ = payload.pop("latitude"), payload.pop("longitude"), payload.pop("reason")
    if latitude is not None and longitude is not None:
        payload["place"] = {"lat": latitude, "lon": longitude}
    return payload


def quarantine_of(partition: Partition, tables: PartitionTables, provenance: Provenance) -> list[QuarantinedFile]:
    """The files of the partition that could not be read or decoded, in the order of the files."""
    reasons = {row.sha256: (row.reason, row.message) for row in tables.decoded if row.reason is not None}

    def quarantined() -> Iterable[QuarantinedFile]:
        for file in tables.hashes:
            if file.sha256 is None:
                reason, message = Reason.UNREADABLE.value, file.message
            elif file.sha256 in reasons:
                reason, message = str(reasons[file.sha256][0]), reasons[file.sha256][1]
            else:
                continue
            yield QuarantinedFile(
                partition.key, file.path, file.sha256, reason, message or "", provenance.run_id, provenance.at
            )

    return list(quarantined())


def without_metadata(points: Iterable[Point], tables: PartitionTables) -> dict[str, str]:
    """The sha256 of those files that are points although their metadata could not be read, by path."""
    unread = {row.sha256 for row in tables.metadata if row.reason is not None}
    sha256s = {str(point.payload["path"]): str(point.payload["sha256"]) for point in points}
    return {path: sha256 for path, sha256 in sha256s.items() if sha256 in unread}


def lasting_fingerprint(fingerprint: str, quarantine: Iterable[QuarantinedFile]) -> str:
    """The fingerprint under which a partition counts as ingested: none where a file could not even be read.

    What hinders reading (rights, a disk's error, a change in the very moment) is put right without a change of size
    or modification time, so that such a partition is looked at again in the next run.
    """
    return "" if any(file.reason == Reason.UNREADABLE for file in quarantine) else fingerprint
