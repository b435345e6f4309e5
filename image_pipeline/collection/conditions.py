"""The conditions by which Qdrant filters points, made from the filters of a search."""

from collections.abc import Sequence
from datetime import datetime

from image_pipeline.collection.lookups import Among
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.collection.where import Condition, Numbers, OneOf, Times, Where, Within, Words
from image_pipeline.schema.payload import CAPTION, ISO, PLACE, RATING, TAKEN_AT, TAKEN_LOCAL, TAKEN_LOCAL_END


def conditions_of(search_filter: SearchFilter, resolved: Sequence[Among] = ()) -> list[Condition]:
    """The conditions that Qdrant filters by, one for each filter that is set; `resolved` are those of its texts."""
    must: list[Condition] = []
    near = search_filter.near
    if near is not None:
        must.append(Within(PLACE.name, near.latitude, near.longitude, near.radius_km * 1000))
    must += _times(search_filter.after, search_filter.before)
    if search_filter.words is not None:
        must.append(Words(CAPTION.name, search_filter.words))
    for field, span in ((RATING, search_filter.rating), (ISO, search_filter.iso)):
        if span is not None:
            must.append(Numbers(field.name, gte=span.low, lte=span.high))
    return [*must, *(_having_one(among) for among in resolved if among.values)]


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
