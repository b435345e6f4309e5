"""Facets: the distinct values of a payload field, and the number of points that have each."""

from collections.abc import Sequence

from image_pipeline.collection.engine import Engine
from image_pipeline.collection.lookups import Counts, by_frequency
from image_pipeline.collection.where import Condition, Where
from image_pipeline.errors import CollectionError
from image_pipeline.schema.column import Kind
from image_pipeline.schema.payload import PayloadField


class MissingIndexError(CollectionError):
    """A collection of an older release has no index of a field, or no values of it."""

    def __init__(self, field: PayloadField) -> None:
        super().__init__(
            f"The collection was made by an older release, without an index of {field.name!r}: ingest the library "
            "again (`image-pipeline ingest`), which adds it; no image goes through a model again."
        )


MOST_VALUES = 100_000
"""The maximum number of distinct values that are fetched; if a field has more, the rarest are left out."""


class Facets:
    """The values of the text fields in a version; those of each field are fetched once."""

    def __init__(self, engine: Engine, version: str) -> None:
        self._engine, self._version = engine, version
        self._known: dict[str, Counts] = {}

    def __call__(self, field: PayloadField) -> Counts:
        """The values of a field of texts, and the number of points that have each. Raises as `facet` does."""
        if field.name not in self._known:
            counts = facet(self._engine, self._version, field, [])
            self._known[field.name] = {str(value): count for value, count in counts.items()}
        return self._known[field.name]


def facet(
    engine: Engine, version: str, field: PayloadField, conditions: Sequence[Condition], limit: int = MOST_VALUES
) -> dict[str | int, int]:
    """The values of a field of texts or whole numbers, and the number of points that have each; most frequent first.

    Only the `limit` most frequent ones. The counts are exact. Raises MissingIndexError if the version has
    no index of the field, because an older release made it.
    """
    try:
        found = engine.facet(version, field.name, Where(must=conditions), limit)
    except Exception as error:
        # the local mode of the Qdrant client has no indexes, and needs none
        if not engine.exists(version) or field.name in engine.indexed(version):
            raise
        raise MissingIndexError(field) from error
    kind = int if field.kind is Kind.INTEGER else str
    return by_frequency((value, count) for value, count in found.items() if type(value) is kind)
