"""Queries of the collection: the photographs nearest to a vector, or in the order of their dates."""

from collections.abc import Sequence

from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.hits import Hit, Sort, hit_of
from image_pipeline.collection.photographs import READ, Photographs, collect, with_files
from image_pipeline.collection.where import Absent, Condition, Where
from image_pipeline.schema.payload import PATH, TAKEN_LOCAL


def nearest(
    engine: Engine, version: str, vector: Sequence[float], limit: int, conditions: Sequence[Condition]
) -> list[Hit]:
    """The `limit` photographs nearest to `vector` (float32 `[d]`, unit length), best first; copies count once.

    The hit of a photograph with copies is the file whose path comes first.
    """
    found = Photographs()

    def next_points(where: Where, count: int) -> list[HeldPoint]:
        return engine.nearest(version, vector, count, where, READ)

    collect(next_points, found, limit, conditions)
    hits = []
    for one, files in with_files(engine, version, found.first(limit), conditions):
        first = min(files)
        copies = [payload for path, payload in files.items() if path != first]
        hits.append(hit_of(files[first], one.best.score, copies))
    return hits


def in_order_of_date(
    engine: Engine, version: str, limit: int, sort: Sort, conditions: Sequence[Condition]
) -> list[Hit]:
    """The first `limit` photographs by the photographer's clock, those without a date last; copies count once.

    The hit of a photograph with copies is the file whose date gives it its place. Their score is None.
    """
    found = Photographs()

    def next_dated(where: Where, count: int) -> list[HeldPoint]:
        return engine.in_order(version, TAKEN_LOCAL.name, sort is Sort.NEWEST, count, where, READ)

    def next_undated(where: Where, count: int) -> list[HeldPoint]:
        return engine.some_of_each(version, [where], count, READ)[0]

    collect(next_dated, found, limit, conditions)
    collect(next_undated, found, limit, [*conditions, Absent(TAKEN_LOCAL.name)])
    hits = []
    for one, files in with_files(engine, version, found.first(limit), conditions):
        best = str(one.best.payload[PATH.name])
        hits.append(hit_of(files[best], None, [payload for path, payload in files.items() if path != best]))
    return hits
