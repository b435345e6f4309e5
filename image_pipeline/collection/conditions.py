"""The conditions by which Qdrant filters points, made from the filters of a search."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from image_pipeline.collection.lookups import Among
from image_pipeline.collection.search_filter import SearchFilter
from image_pipeline.schema.payload import CAPTION, ISO, PLACE, RATING, TAKEN_AT, TAKEN_LOCAL, TAKEN_LOCAL_END

if TYPE_CHECKING:
    from qdrant_client import models


def conditions_of(search_filter: SearchFilter, resolved: Sequence[Among] = ()) -> "list[models.Condition]":
    """The conditions that Qdrant filters by, one for each filter that is set; `resolved` are those of its texts."""
    from qdrant_client import models

    must: list[models.Condition] = []
    if search_filter.near is not None:
        centre = models.GeoPoint(lat=search_filter.near.latitude, lon=search_filter.near.longitude)
        radius = models.GeoRadius(center=centre, radius=search_filter.near.radius_km * 1000)
        must.append(models.FieldCondition(key=PLACE.name, geo_radius=radius))
    must += _times(search_filter.after, search_filter.before)
    if search_filter.words is not None:
        must.append(models.FieldCondition(key=CAPTION.name, match=models.MatchText(text=search_filter.words)))
    for field, span in ((RATING, search_filter.rating), (ISO, search_filter.iso)):
        if span is not None:
            must.append(models.FieldCondition(key=field.name, range=models.Range(gte=span.low, lte=span.high)))
    return [*must, *(_having_one(among) for among in resolved if among.values)]


def _having_one(among: Among) -> "models.Condition":
    from qdrant_client import models

    one_of = models.MatchAny(any=list(among.values))
    conditions = [models.FieldCondition(key=name, match=one_of) for name in among.names]
    if among.is_excluded:
        return models.Filter(must_not=conditions)
    return conditions[0] if len(conditions) == 1 else models.Filter(should=conditions)


def _times(after: datetime | None, before: datetime | None) -> "list[models.Condition]":
    from qdrant_client import models

    ranges = []
    if after is not None:
        key, bound = (TAKEN_LOCAL_END, {"gt": after}) if after.tzinfo is None else (TAKEN_AT, {"gte": after})
        ranges.append((key, bound))
    if before is not None:
        ranges.append((TAKEN_LOCAL if before.tzinfo is None else TAKEN_AT, {"lt": before}))
    return [models.FieldCondition(key=key.name, range=models.DatetimeRange(**bound)) for key, bound in ranges]
