"""Kinds of values: of a photograph's metadata, and of a point's payload."""

from enum import StrEnum


class Kind(StrEnum):
    """A kind of value, and how JSON writes it. There is no boolean: not every Qdrant can filter by one."""

    TEXT = "text"
    """A string."""
    TEXTS = "list of texts"
    """An array of strings, which may be empty."""
    INTEGER = "integer"
    """A whole number."""
    FLOAT = "float"
    """A number with a fraction."""
    DATETIME = "datetime"
    """A string as in ISO 8601; without an offset, filters take it for UTC."""
    GEO = "geo point"
    """An object with `lat` and `lon`, in degrees."""
