"""Conditions as filters of the Qdrant client, for a server and for its local mode."""

from typing import Any

from qdrant_client import models

from image_pipeline.collection.where import Absent, Condition, Ids, InBox, Numbers, OneOf, Times, Where, Within, Words


def filter_of(where: Where) -> models.Filter:
    """The filter that a point passes if it matches `where`."""
    must, should, must_not = (
        [_condition(one) for one in conditions] for conditions in (where.must, where.should, where.must_not)
    )
    return models.Filter(must=must or None, should=should or None, must_not=must_not or None)


def _condition(condition: Condition) -> Any:
    match condition:
        case OneOf(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
        case Words(field, text):
            return models.FieldCondition(key=field, match=models.MatchText(text=text))
        case Within(field, latitude, longitude, radius_m):
            centre = models.GeoPoint(lat=latitude, lon=longitude)
            return models.FieldCondition(key=field, geo_radius=models.GeoRadius(center=centre, radius=radius_m))
        case InBox(field, south, west, north, east):
            corners = models.GeoPoint(lat=north, lon=west), models.GeoPoint(lat=south, lon=east)
            box = models.GeoBoundingBox(top_left=corners[0], bottom_right=corners[1])
            return models.FieldCondition(key=field, geo_bounding_box=box)
        case Numbers(field, gt, gte, lt, lte):
            return models.FieldCondition(key=field, range=models.Range(gt=gt, gte=gte, lt=lt, lte=lte))
        case Times(field, gt, gte, lt, lte):
            return models.FieldCondition(key=field, range=models.DatetimeRange(gt=gt, gte=gte, lt=lt, lte=lte))
        case Absent(field):
            return models.IsEmptyCondition(is_empty=models.PayloadField(key=field))
        case Ids(ids):
            return models.HasIdCondition(has_id=list(ids))
        case Where():
            return filter_of(condition)
