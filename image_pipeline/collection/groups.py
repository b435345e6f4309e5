"""Groups of points that have the same value of a field."""

from collections.abc import Mapping, Sequence
from typing import Any

from image_pipeline.collection.engine import Engine
from image_pipeline.collection.facets import MOST_VALUES, facet
from image_pipeline.collection.points import PointId
from image_pipeline.collection.replaced import reading
from image_pipeline.collection.where import Condition, OneOf, Where
from image_pipeline.schema.payload import PATH, PayloadField

_SAMPLE, _PAGE = 1000, 2048
_FIRST_VALUES = 2000


class Groups:
    """The groups of the points of a version that meet conditions."""

    def __init__(self, engine: Engine, version: str, conditions: Sequence[Condition]) -> None:
        self._engine, self._version, self._conditions = engine, version, conditions

    def repeated(self, field: PayloadField) -> list[str]:
        """The values of a field of texts that several points have.

        The most frequent values come first, so few of those that one point has are fetched.
        """
        limit = _FIRST_VALUES
        with reading(self._engine, self._version):
            while True:
                counts = facet(self._engine, self._version, field, self._conditions, limit)
                found = [str(value) for value, count in counts.items() if count > 1]
                if len(found) < len(counts) or len(counts) < limit or limit >= MOST_VALUES:
                    return found
                limit = min(10 * limit, MOST_VALUES)

    def files(self, field: PayloadField, values: Sequence[str]) -> dict[str, list[Mapping[str, Any]]]:
        """The payloads of all points with each of these values of a field of texts, in the order of their paths."""
        found: dict[str, list[Mapping[str, Any]]] = {value: [] for value in values}
        where, after, is_end = Where(must=[*self._conditions, OneOf(field.name, values)]), None, not values
        with reading(self._engine, self._version):
            while not is_end:
                points, after = self._engine.page(self._version, where, _PAGE, after, None, with_vectors=False)
                is_end = after is None
                for held in points:
                    found[str(held.payload[field.name])].append(held.payload)
        return {value: sorted(files, key=lambda one: str(one[PATH.name])) for value, files in found.items()}

    def one_of_each(self, field: PayloadField, groups: Sequence[Sequence[int]]) -> list[str | None]:
        """The id of a point with one of the values of `field`, for each group of values; None if there is none.

        A sample has one of most groups, since large groups have most points; the others are asked for one by one.
        """
        number_of = {value: number for number, group in enumerate(groups) for value in group}
        found: list[str | None] = [None] * len(groups)
        among = Where(must=[*self._conditions, OneOf(field.name, list(number_of))])
        following: PointId | None = None
        with reading(self._engine, self._version):
            if groups:
                sample, following = self._engine.page(
                    self._version, among, _SAMPLE, None, [field.name], with_vectors=False
                )
                for point in sample:
                    found[number_of[point.payload[field.name]]] = str(point.id)
            missing = [number for number, id_ in enumerate(found) if id_ is None] if following is not None else []
            if missing:
                wheres = [Where(must=[*self._conditions, OneOf(field.name, groups[number])]) for number in missing]
                some = self._engine.some_of_each(self._version, wheres, 1, [field.name])
                for number, points in zip(missing, some, strict=True):
                    found[number] = str(points[0].id) if points else None
        return found
