"""The conditions by which Qdrant filters points, made from the filters of a search."""

from collections.abc import Callable
from datetime import datetime

from image_pipeline.collection.lookups import Among, Counts, resolved
from image_pipeline.collection.search_filter import Box, SearchFilter
from image_pipeline.collection.where import Condition, InBox, Numbers, OneOf, Times, Where, Within, Words
from image_pipeline.schema.payload import (
    CAPTION,
    ISO,
    PLACE,
    RATING,
    TAKEN_AT,
    TAKEN_LOCAL,
    TAKEN_LOCAL_END,
    PayloadField,
)

_CENTIMETRE = 1e-7
"""In degrees, along a meridian."""


def conditions_of(search_filter: SearchFilter, counts_of: Callable[[PayloadField], Counts]) -> list[Condition] | None:
    """The conditions that Qdrant filters by, all of which a hit meets; None if no point can meet them.

    `counts_of` returns the values of a field, among which the texts of the filter are looked up.
    """
    known = resolved(search_filter, counts_of)
    if any(among.is_impossible for among in known):
        return None
    must = [*_numbers_and_places(search_filter), *(_having_one(among) for among in known if among.values)]
    for group in search_filter.any_of:
        ways = [way for one in group if (way := conditions_of(one, counts_of)) is not None]
        if not ways:
            return None
        if all(ways):  # else one of them lets everything through
            must.append(Where(should=[Where(must=way) for way in ways]))
    excluded = [way for one in search_filter.none_of if (way := conditions_of(one, counts_of)) is not None]
    if not all(excluded):
        return None
    return [*must, *([Where(must_not=[Where(must=way) for way in excluded])] if excluded else [])]


def _numbers_and_places(search_filter: SearchFilter) -> list[Condition]:
    """The conditions for what is not looked up."""
    must: list[Condition] = []
    near = search_filter.near
    if near is not None:
        must.append(Within(PLACE.name, near.latitude, near.longitude, near.radius_km * 1000))
    if search_filter.box is not None:
        must.append(_in_box(search_filter.box))
    must += _times(search_filter.after, search_filter.before)
    if search_filter.words is not None:
        must.append(Words(CAPTION.name, search_filter.words))
    for field, span in ((RATING, search_filter.rating), (ISO, search_filter.iso)):
        if span is not None:
            must.append(Numbers(field.name, gte=span.low, lte=span.high))
    return must


def _in_box(box: Box) -> Condition:
    """The condition for a rectangle, cut at the date line, where engines differ.

    Qdrant finds nothing, or too little, in one that reaches the date line or the North Pole, so it ends a centimetre
    before them.
    """
    north, most_east = min(box.north, 90 - _CENTIMETRE), 180 - _CENTIMETRE
    spans = [(box.west, box.east)] if box.west <= box.east else [(box.west, 180.0), (-180.0, box.east)]
    south = min(box.south, north)
    boxes = [InBox(PLACE.name, south, min(west, most_east), north, min(east, most_east)) for west, east in spans]
    return boxes[0] if len(boxes) == 1 else Where(should=boxes)


def _having_one(among: Among) -> Condition:
    conditions = [OneOf(name, among.values) for name in among.names]
    if among.is_excluded:
        return Where(must_not=conditions)
    return conditions[0] if len(conditions) == 1 else Where(should=conditions)


def _times(after: datetime | None, before: datetime | None) -> list[Condition]:
    ranges: list[Condition] = []
    if after is not None:
        is_local = after.tzinfo is None
        ranges.append(Times(TAKEN_LOCAL_END.name, gt=after) if is_local else Times(TAKEN_AT.name, gte=after))
    if before is not None:
        ranges.append(Times((TAKEN_LOCAL if before.tzinfo is None else TAKEN_AT).name, lt=before))
    return ranges
