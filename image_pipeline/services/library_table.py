"""The table of a library: one row per file with all its facts, from the collection and the ledger."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from image_pipeline.collection.replaced import again_if_replaced
from image_pipeline.files.partition import Partition
from image_pipeline.schema.column import Kind
from image_pipeline.schema.payload import DIRECTORY, PARTITION, PATH, PAYLOAD, SHA256, PayloadField
from image_pipeline.schema.rows import DiscoveredFile
from image_pipeline.services.verifier import check_ingested
from image_pipeline.services.wiring import Wiring
from image_pipeline.storage.ledger import QuarantinedFile
from image_pipeline.storage.tables import StageTables

if TYPE_CHECKING:
    import pandas as pd

FORMAT, LATITUDE, LONGITUDE = "format", "latitude", "longitude"
REASON, MESSAGE, SINCE = "reason", "message", "since"
"""Why a file is in quarantine, the library's own message, and since when (ISO 8601, UTC); missing for a point."""

_QUARANTINE = (REASON, MESSAGE, SINCE)
_POINTS_AT_ONCE = 4096
_JOINT = "; "
_TYPES = {Kind.INTEGER: "Int64", Kind.FLOAT: "float64"}
_ACCEPTED: Mapping[Kind, type | tuple[type, ...]] = {
    Kind.TEXT: str,
    Kind.DATETIME: str,
    Kind.INTEGER: int,
    Kind.FLOAT: (int, float),
    Kind.TEXTS: list,
    Kind.GEO: dict,
}


def library_table(wiring: Wiring) -> "pd.DataFrame":
    """One row per file that is a point or in quarantine, by path.

    The columns are the payload's fields: texts, `Int64` and `float64`, each missing if the file has no value. Lists are
    joined by "; ", and `place` is split into `latitude` and `longitude` in degrees. Files in quarantine have `reason`,
    `message` and `since`. Loads no model and no vectors. Raises StoreError before the first ingestion, CollectionError
    if Qdrant refuses, ServiceUnavailableError if it does not answer.
    """
    import pandas as pd

    ledger, address = wiring.ledger, wiring.address
    check_ingested(ledger, address, wiring.settings.collection)
    points = again_if_replaced(lambda: _points(wiring))
    table = pd.concat([*points, _quarantined(ledger.quarantine())], ignore_index=True)
    # a file is in both for a moment, for example while its directory is being split
    table = table.drop_duplicates(PATH.name, keep="first").sort_values(PATH.name, ignore_index=True)
    return _with_formats(table, wiring.tables)


def columns() -> Iterator[tuple[str, str]]:
    """The name and the pandas type of each column of a `library_table`."""
    for field in PAYLOAD:
        if field.kind is Kind.GEO:
            yield from ((LATITUDE, "float64"), (LONGITUDE, "float64"))
        else:
            yield field.name, _TYPES.get(field.kind, "str")
    if FORMAT not in {field.name for field in PAYLOAD}:
        yield FORMAT, "str"
    yield from ((name, "str") for name in _QUARANTINE)


def table_of(rows: Sequence[Mapping[str, Any]]) -> "pd.DataFrame":
    """A table with the columns of a `library_table`, and these values by column; the others are missing."""
    import pandas as pd

    return pd.DataFrame(
        {name: pd.array([row.get(name) for row in rows], dtype=kind) for name, kind in columns()}  # type: ignore[call-overload]
    )


def _points(wiring: Wiring) -> "list[pd.DataFrame]":
    if not wiring.address.exists:
        return []
    with wiring.address.connect(wiring.settings.collection) as qdrant:
        version = qdrant.alias_target()
        if version is None:
            return []
        payloads = (one for one in qdrant.points(version).payloads() if isinstance(one.get(PATH.name), str))
        frames = []
        while rows := [_cells(one) for one in islice(payloads, _POINTS_AT_ONCE)]:  # payloads take ten times the memory
            frames.append(table_of(rows))
        return frames


def _quarantined(files: Iterable[QuarantinedFile]) -> "pd.DataFrame":
    return table_of(
        [
            {
                PATH.name: file.path,
                DIRECTORY.name: Partition.from_key(file.partition_key).directory,
                PARTITION.name: file.partition_key,
                SHA256.name: file.sha256,
                **{name: getattr(file, name) for name in _QUARANTINE},
            }
            for file in files
        ]
    )


def _cells(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a point's row; a value of another kind than declared, which another program wrote, is left out."""
    row: dict[str, Any] = {}
    for field in PAYLOAD:
        value = payload.get(field.name)
        if isinstance(value, _ACCEPTED[field.kind]):
            row |= _cell(field, value)
    return row


def _cell(field: PayloadField, value: Any) -> dict[str, Any]:
    match field.kind:
        case Kind.TEXTS:
            return {field.name: _JOINT.join(map(str, value)) or None}
        case Kind.GEO:
            return {LATITUDE: value.get("lat"), LONGITUDE: value.get("lon")}
        case _:
            return {field.name: value}


def _with_formats(table: "pd.DataFrame", tables: StageTables) -> "pd.DataFrame":
    """The table with the formats that the payloads lack, from the tables of the stage that identified them."""
    unknown = table[FORMAT].isna()
    formats: dict[str, str | None] = {}
    for key in table.loc[unknown, PARTITION.name].dropna().unique():
        formats |= {file.path: file.format for file in tables.read_if_exists(DiscoveredFile, key) or ()}
    found = table.loc[unknown, PATH.name].map(formats).astype("str")
    return table.assign(**{FORMAT: table[FORMAT].where(~unknown, found)})
