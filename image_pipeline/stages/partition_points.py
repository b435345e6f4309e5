"""The points and the quarantine of a partition, built from its stage tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from image_pipeline.collection.points import Point, make_point
from image_pipeline.errors import StoreError
from image_pipeline.files.partition import Partition
from image_pipeline.schema.outcome import PASSING, Reason
from image_pipeline.schema.rows import (
    ContentHash,
    ContentRow,
    DecodedContent,
    DiscoveredFile,
    Embedding,
    MetadataOfImage,
    Sidecar,
    Stage,
)
from image_pipeline.stages.declaration import StageDeclaration
from image_pipeline.stages.file_facts import file_facts
from image_pipeline.stages.registry import STAGES
from image_pipeline.storage.ledger import QuarantinedFile
from image_pipeline.storage.tables import PartitionTables, StageTables

_LISTED, _FILES = STAGES[Stage.DISCOVERED_FILES], STAGES[Stage.CONTENT_HASHES]
_CONTENTS: list[StageDeclaration[Any]] = [one for one in STAGES.values() if issubclass(one.row, ContentRow)]


@dataclass(frozen=True)
class Provenance:
    """The origin of a run's points: the versions of the stages, the run, and its time (`at`: ISO 8601, UTC).

    Stages that have no version, or are switched off, are not in `versions`.
    """

    versions: Mapping[Stage, str]
    run_id: str
    at: str


def read_tables(tables: StageTables, partition_key: str) -> PartitionTables:
    """The tables of all stages, which points are built from. Raises StoreError if a stage has not run."""
    return tables.read_all([declaration.row for declaration in STAGES.values()], partition_key)


def points_of(partition: Partition, tables: PartitionTables, provenance: Provenance) -> list[Point]:
    """A point for each file of the partition whose content has an embedding, in the order of the files."""
    contents = {declaration.stage: {row.sha256: row for row in tables[declaration.row]} for declaration in _CONTENTS}
    unreadable = {row.sha256 for row in tables[DecodedContent] if row.reason is not None}
    embeddings = {row.sha256: row for row in tables[Embedding]}
    sidecars = sidecars_by_file(tables)
    listed = {row.path: _LISTED.payload(row) for row in tables[DiscoveredFile]}
    points = []
    for file in tables[ContentHash]:
        sha256 = file.sha256
        if sha256 is None or sha256 not in embeddings or sha256 in unreadable:
            continue
        payload: dict[str, Any] = {"directory": partition.directory, "partition": partition.key}
        # after a run that ended between two stages, a file may no longer be listed
        payload |= {**listed.get(file.path, {}), **_FILES.payload(file)}
        for declaration in _CONTENTS:
            row = contents[declaration.stage].get(sha256)
            if row is not None:
                payload.update(declaration.payload(row))
                if declaration.producer_field is not None:
                    payload[declaration.producer_field] = provenance.versions.get(declaration.stage)
        payload |= file_facts(file.path, payload, sidecars.get(file.path, ()))
        payload |= {"run_id": provenance.run_id, "ingested_at": provenance.at}
        points.append(make_point(file.path, embeddings[sha256].vector, payload))
    return points


def sidecars_by_file(tables: PartitionTables) -> dict[str, list[Sidecar]]:
    """The sidecars of each file that has any, best first."""
    rows = {row.path: row for row in tables[Sidecar]}
    files = [file for file in tables[DiscoveredFile] if file.sidecars]
    return {file.path: [rows[path] for path in file.sidecars if path in rows] for file in files}


def check_tables(partition: Partition, tables: PartitionTables, provenance: Provenance) -> None:
    """Raises StoreError if the tables do not match, for example after single stages were materialized by hand.

    A file could then be neither a point nor in quarantine. `decoded_tensors` must have a row for each content, and
    every other stage that is switched on must have one for each decoded content.
    """
    files = tables[DiscoveredFile]
    listed = [(file.path, file.size_bytes, file.mtime_ns, file.ctime_ns) for file in files]
    if listed != [(file.path, file.size_bytes, file.mtime_ns, file.ctime_ns) for file in tables[ContentHash]]:
        raise _outdated(partition, Stage.CONTENT_HASHES)
    if not {path for file in files for path in file.sidecars or ()} <= {row.path for row in tables[Sidecar]}:
        raise _outdated(partition, Stage.SIDECARS)
    hashed = {file.sha256 for file in tables[ContentHash] if file.sha256 is not None}
    if not hashed <= {row.sha256 for row in tables[DecodedContent]}:
        raise _outdated(partition, Stage.DECODED_TENSORS)
    decoded = hashed & {row.sha256 for row in tables[DecodedContent] if row.reason is None}
    for declaration in _CONTENTS:
        is_on = declaration.stage in provenance.versions
        if is_on and not decoded <= {row.sha256 for row in tables[declaration.row]}:
            raise _outdated(partition, declaration.stage)


def _outdated(partition: Partition, stage: Stage) -> StoreError:
    return StoreError(
        f"The {stage} of partition {partition.key!r} are older than their input: "
        "materialize all stages of this partition together."
    )


def quarantine_of(partition: Partition, tables: PartitionTables, provenance: Provenance) -> list[QuarantinedFile]:
    """The files of the partition that could not be read or decoded, in the order of the files."""
    reasons = {row.sha256: (row.reason, row.message) for row in tables[DecodedContent] if row.reason is not None}

    def quarantined() -> Iterable[QuarantinedFile]:
        for file in tables[ContentHash]:
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
    """The files that have a point although their metadata could not be read: path → sha256."""
    unread = {row.sha256 for row in tables[MetadataOfImage] if row.reason is not None}
    sha256s = {str(point.payload["path"]): str(point.payload["sha256"]) for point in points}
    return {path: sha256 for path, sha256 in sha256s.items() if sha256 in unread}


def damaged_files(points: Iterable[Point]) -> dict[str, tuple[str, str]]:
    """The sha256 of those files that are points although they are damaged, and what is missing, by path."""
    payloads = [point.payload for point in points if point.payload.get("damaged") is not None]
    return {str(one["path"]): (str(one["sha256"]), str(one["damaged"])) for one in payloads}


def lasting_fingerprint(fingerprint: str, quarantine: Iterable[QuarantinedFile], tables: PartitionTables) -> str:
    """The fingerprint to record for an ingested partition: empty if the bytes of a file could not be read.

    It is also empty if a sidecar could not be read for a reason that may be temporary.

    The cause (permissions, a disk error, a change while it was read) can disappear without a change of size or
    modification time, so the next run has to process such a partition again.
    """
    is_unreadable = any(file.reason == Reason.UNREADABLE for file in quarantine)
    return "" if is_unreadable or any(row.reason in PASSING for row in tables[Sidecar]) else fingerprint
