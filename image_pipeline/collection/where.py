"""Conditions on points, in the words of this package: each kind of Qdrant translates them into its own filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from image_pipeline.collection.points import PointId


@dataclass(frozen=True)
class OneOf:
    """The field has one of `values`; a list has it if one of its elements has. No values: no point matches."""

    field: str
    values: Sequence[str] | Sequence[int]


@dataclass(frozen=True)
class Words:
    """The field has all words of `text`, in any case and order."""

    field: str
    text: str


@dataclass(frozen=True)
class Within:
    """The place in the field is less than `radius_m` metres from a centre in degrees."""

    field: str
    latitude: float
    longitude: float
    radius_m: float


@dataclass(frozen=True)
class InBox:
    """The place in the field is in a rectangle, in degrees, of which `west` is not greater than `east`."""

    field: str
    south: float
    west: float
    north: float
    east: float


@dataclass(frozen=True)
class Numbers:
    """The number in the field lies between bounds; None: no bound."""

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


@dataclass(frozen=True)
class Times:
    """The time in the field lies between bounds; None: no bound. A time without an offset is UTC."""

    field: str
    gt: datetime | None = None
    gte: datetime | None = None
    lt: datetime | None = None
    lte: datetime | None = None


@dataclass(frozen=True)
class Absent:
    """The point has no value in the field, or an empty list."""

    field: str


@dataclass(frozen=True)
class Ids:
    """The point has one of these ids."""

    ids: Sequence[PointId]


@dataclass(frozen=True)
class Where:
    """All of `must`, at least one of `should` if there are any, and none of `must_not`."""

    must: "Sequence[Condition]" = ()
    should: "Sequence[Condition]" = ()
    must_not: "Sequence[Condition]" = ()


Condition = OneOf | Words | Within | InBox | Numbers | Times | Absent | Ids | Where

ANYWHERE = Where()
"""All points."""
