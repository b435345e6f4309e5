"""Facets: the distinct values of a payload field, and the number of points that have each."""

from typing import TYPE_CHECKING

from image_pipeline.collection.lookups import Counts, by_frequency
from image_pipeline.errors import CollectionError
from image_pipeline.schema.column import Kind
from image_pipeline.schema.payload import PayloadField

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

MOST_VALUES = 100_000
"""The maximum number of distinct values that are fetched; if a field has more, the rarest are left out."""


class Facets:
    """The values of the text fields in a version; those of each field are fetched once."""

    def __init__(self, client: "QdrantClient", version: str) -> None:
        self._client, self._version = client, version
        self._known: dict[str, Counts] = {}

    def __call__(self, field: PayloadField) -> Counts:
        """The values of a field of texts, and the number of points that have each. Raises as `facet` does."""
        if field.name not in self._known:
            counts = facet(self._client, self._version, field, [])
            self._known[field.name] = {str(value): count for value, count in counts.items()}
        return self._known[field.name]


def facet(
    client: "QdrantClient", version: str, field: PayloadField, conditions: "list[models.Condition]"
) -> dict[str | int, int]:
    """The values of a field of texts or whole numbers, and the number of points that have each; most frequent first.

    The counts are exact. Raises CollectionError if the version has no index of the field, because an older release made
    it.
    """
    from qdrant_client import models

    try:
        hits = client.facet(
            version, key=field.name, facet_filter=models.Filter(must=conditions), limit=MOST_VALUES, exact=True
        ).hits
    except Exception as error:
        # the embedded Qdrant has no indexes, and needs none
        if not client.collection_exists(version) or field.name in client.get_collection(version).payload_schema:
            raise
        raise CollectionError(
            f"The collection was made by an older release, without an index of {field.name!r}: ingest the library "
            "again (`image-pipeline ingest`), which adds it; no image goes through a model again."
        ) from error
    kind = int if field.kind is Kind.INTEGER else str
    return by_frequency((hit.value, hit.count) for hit in hits if type(hit.value) is kind)
