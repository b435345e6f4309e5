"""Groups of points by the values of a field, of which one point each is to be shown."""

from collections.abc import Sequence

from image_pipeline.collection.engine import Engine
from image_pipeline.collection.where import Condition, OneOf, Where
from image_pipeline.schema.payload import PayloadField

_SAMPLE = 1000


def one_of_each(
    engine: Engine, version: str, field: PayloadField, groups: Sequence[Sequence[int]], conditions: Sequence[Condition]
) -> list[str | None]:
    """The id of a point with one of the values of `field`, for each group of values; None if there is none.

    A sample has one of most groups, since large groups have most points; the others are asked for one by one.
    """
    number_of = {value: number for number, group in enumerate(groups) for value in group}
    found: list[str | None] = [None] * len(groups)
    among = OneOf(field.name, list(number_of))
    sample, following = engine.page(
        version, Where(must=[*conditions, among]), _SAMPLE, None, [field.name], with_vectors=False
    )
    for point in sample:
        found[number_of[point.payload[field.name]]] = str(point.id)
    missing = [number for number, id_ in enumerate(found) if id_ is None] if following is not None else []
    if missing:
        wheres = [Where(must=[*conditions, OneOf(field.name, groups[number])]) for number in missing]
        for number, points in zip(missing, engine.some_of_each(version, wheres, 1, [field.name]), strict=True):
            found[number] = str(points[0].id) if points else None
    return found
