"""Conditions as filters of Qdrant Edge."""

from datetime import UTC, datetime
from typing import Any

import qdrant_edge as qe

from image_pipeline.collection.where import Absent, Condition, Ids, InBox, Numbers, OneOf, Times, Where, Within, Words


def filter_of(where: Where) -> qe.Filter:
    """The filter that a point passes if it matches `where`."""
    must, should, must_not = (
        [_condition(one) for one in conditions] for conditions in (where.must, where.should, where.must_not)
    )
    return qe.Filter(must=must or None, should=should or None, must_not=must_not or None)


def _condition(condition: Condition) -> Any:
    match condition:
        case OneOf(field, values):
            return qe.FieldCondition(field, match=qe.MatchAny([*values]))
        case Words(field, text):
            return qe.FieldCondition(field, match=qe.MatchText(text))
        case Within(field, latitude, longitude, radius_m):
            centre = qe.GeoPoint(lat=latitude, lon=longitude)
            return qe.FieldCondition(field, geo_radius=qe.GeoRadius(centre, radius_m))
        case InBox(field, south, west, north, east):
            box = qe.GeoBoundingBox(qe.GeoPoint(lat=north, lon=west), qe.GeoPoint(lat=south, lon=east))
            return qe.FieldCondition(field, geo_bounding_box=box)
        case Numbers(field, gt, gte, lt, lte):
            return qe.FieldCondition(field, range=qe.RangeFloat(gte=gte, gt=gt, lte=lte, lt=lt))
        case Times(field, gt, gte, lt, lte):
            times = qe.RangeDateTime(gte=_time(gte), gt=_time(gt), lte=_time(lte), lt=_time(lt))
            return qe.FieldCondition(field, range=times)
        case Absent(field):
            return qe.IsEmptyCondition(field)
        case Ids(ids):
            return qe.HasIdCondition(set(ids))
        case Where():
            return filter_of(condition)


def _time(bound: datetime | None) -> str | None:
    if bound is None:
        return None
    return (bound if bound.tzinfo is not None else bound.replace(tzinfo=UTC)).isoformat()
