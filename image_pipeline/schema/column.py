"""Columns: the declaration of one value of a row, of a photograph's metadata, or of a point's payload."""

from dataclasses import MISSING, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """A kind of value in a payload, and how JSON writes it. There is no boolean: not every Qdrant can filter by one."""

    TEXT = "text"
    """A string."""
    TEXTS = "list of texts"
    """An array of strings, which may be empty."""
    INTEGER = "integer"
    """A whole number."""
    FLOAT = "float"
    """A number with a fraction."""
    DATETIME = "datetime"
    """A string in ISO 8601 format; filters take it as UTC if it has no offset."""
    GEO = "geo point"
    """An object with `lat` and `lon`, in degrees."""


class Index(StrEnum):
    """The payload index of a field, by which Qdrant filters without reading every point."""

    KEYWORD = "keyword"
    """For whole values; a list matches by any of its values."""
    INTEGER = "integer"
    FLOAT = "float"
    DATETIME = "datetime"
    GEO = "geo"
    TEXT = "text"
    """For the words of a text, in lower case."""
    NONE = "none"


_KINDS = {
    "string": Kind.TEXT,
    "list of string": Kind.TEXTS,
    "int64": Kind.INTEGER,
    "float32": Kind.FLOAT,
    "float64": Kind.FLOAT,
}


def column(
    arrow_type: str,
    meaning: str,
    unit: str | None = None,
    *,
    nullable: bool = True,
    default: object = MISSING,
    kind: Kind | None = None,
    payload: Index | None = None,
    added_later: bool = False,
) -> Any:
    """A field of a dataclass that is a column of a stage's table.

    `arrow_type` is the name of an Arrow type, or of a list of such a type, as in `list of string`. It is a text, so
    that declaring columns does not import Arrow. With `payload`, the column is also a field of the payload of a point,
    with that index. The default of `kind` follows from the Arrow type. With `added_later`, tables and cached rows from
    before the column existed are read with null in it; in any other column, a difference makes them unusable.
    """
    metadata = {
        "type": arrow_type,
        "nullable": nullable,
        "meaning": meaning,
        "unit": unit,
        "description": meaning if unit is None else f"{meaning}, in {unit}",
        "payload": payload,
        "kind": kind or _KINDS.get(arrow_type),
        "added_later": added_later,
    }
    return field(default=default, metadata=metadata)
