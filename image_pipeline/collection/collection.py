"""The collection: one version per embedding producer, all payload indexes, behind one alias."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from image_pipeline.collection.connection import QdrantAddress
from image_pipeline.collection.points import Point
from image_pipeline.errors import CollectionError

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

UPSERT_BATCH = 256
SCROLL_PAGE = 2048
EMBEDDED_LIMIT = 20_000
"""From this many points on, the embedded Qdrant is slow: a filtered query takes 136 ms, opening it takes seconds."""

_PRODUCER = "embedding_producer"
"""The metadata key that every version has, and that collections made by others lack."""

_KEYWORDS = ("path", "directory", "partition", "sha256", "camera_make", "camera_model", "lens", "keywords")


@dataclass(frozen=True)
class CollectionVersion:
    """A version of the collection `alias`: the embeddings of one producer, vectors of `dimension` numbers.

    `model` and `dtype` are written as in the settings, so that a search can load the same model.
    """

    alias: str
    producer: str
    producer_hash: str
    dimension: int
    model: str
    dtype: str

    @property
    def name(self) -> str:
        """The name of this version in Qdrant."""
        return f"{self.alias}--{self.producer_hash}"


class Collection:
    """One version of the collection, through an open client."""

    def __init__(self, client: "QdrantClient", version: CollectionVersion) -> None:
        self._client = client
        self.version = version

    @property
    def exists(self) -> bool:
        """Whether Qdrant has the version."""
        return bool(self._client.collection_exists(self.version.name))

    def check(self) -> str | None:
        """The version that the alias points to; changes nothing.

        Raises CollectionError if a collection of this version's name has vectors of a different size, or if a
        collection or an alias that this pipeline did not make has the name of the alias.
        """
        target = alias_target(self._client, self.version.alias)
        self._check_that_alias_is_free(target)
        if self.exists:
            self._check_size()
        return target

    def ensure(self) -> None:
        """Create the version with its payload indexes if it does not exist, and the alias if there is none yet.

        Raises CollectionError as `check` does; nothing is created then.
        """
        target = self.check()
        if not self.exists:
            self._create()
            self._check_size()  # another process may have been faster
        self._create_indexes()
        if target is None:
            self.point_alias_here()

    def _check_that_alias_is_free(self, target: str | None) -> None:
        alias = self.version.alias
        if target is None:
            taken = any(c.name == alias for c in self._client.get_collections().collections)
        else:
            taken = not _is_version(alias, target)
        if taken:
            raise CollectionError(
                f"Qdrant holds a collection named {alias!r} that this pipeline did not make: "
                "set IMAGE_PIPELINE_COLLECTION to a different name."
            )

    def _create(self) -> None:
        from qdrant_client import models

        try:
            self._client.create_collection(
                self.version.name,
                vectors_config=models.VectorParams(size=self.version.dimension, distance=models.Distance.COSINE),
                metadata={
                    _PRODUCER: self.version.producer,
                    "embedding_model": self.version.model,
                    "embedding_dtype": self.version.dtype,
                },
            )
        except Exception:
            if not self._client.collection_exists(self.version.name):  # another process was faster
                raise

    def _create_indexes(self) -> None:
        """Create the missing payload indexes, for a new version or for one whose creation was interrupted."""
        from qdrant_client import models

        there = self._client.get_collection(self.version.name).payload_schema
        schemas: dict[str, Any] = dict.fromkeys(_KEYWORDS, models.PayloadSchemaType.KEYWORD)
        schemas["caption"] = models.TextIndexParams(
            type=models.TextIndexType.TEXT, tokenizer=models.TokenizerType.WORD, lowercase=True
        )
        schemas["taken_at"] = models.PayloadSchemaType.DATETIME
        schemas["place"] = models.PayloadSchemaType.GEO
        for name in schemas.keys() - there.keys():
            self._client.create_payload_index(self.version.name, name, field_schema=schemas[name], wait=True)

    def _check_size(self) -> None:
        if not _is_ours(self._client, self.version.name):
            raise CollectionError(
                f"Qdrant holds a collection named {self.version.name!r} that this pipeline did not make: set "
                "IMAGE_PIPELINE_COLLECTION to a different name."
            )
        vectors = self._client.get_collection(self.version.name).config.params.vectors
        size = getattr(vectors, "size", None)
        if size != self.version.dimension:
            raise CollectionError(
                f"The collection {self.version.name!r} holds vectors of {size} numbers, but the model produces "
                f"{self.version.dimension}: delete it, or set IMAGE_PIPELINE_COLLECTION to a different name."
            )

    def point_alias_here(self) -> str | None:
        """Point the alias to this version in one step; returns the version that it pointed to before."""
        return point_alias(self._client, self.version.alias, self.version.name)

    def digests(self, partition_keys: Sequence[str]) -> dict[str, dict[str, str]]:
        """The points of partitions: for each key, id → digest of the payload."""
        from qdrant_client import models

        found: dict[str, dict[str, str]] = {key: {} for key in partition_keys}
        offset = None
        while found:
            records, offset = self._client.scroll(
                self.version.name,
                scroll_filter=_in_partitions(partition_keys),
                limit=SCROLL_PAGE,
                offset=offset,
                with_payload=models.PayloadSelectorInclude(include=["partition", "digest"]),
                with_vectors=False,
            )
            for record in records:
                payload = record.payload or {}
                found[payload["partition"]][str(record.id)] = str(payload.get("digest"))
            if offset is None:
                break
        return found

    def upsert(self, points: Sequence[Point]) -> Iterator[int]:
        """Write points in batches; yields the number of points in each batch."""
        from qdrant_client import models

        for start in range(0, len(points), UPSERT_BATCH):
            batch = points[start : start + UPSERT_BATCH]
            self._client.upsert(
                self.version.name,
                [models.PointStruct(id=p.id, vector=list(p.vector), payload=dict(p.payload)) for p in batch],
                wait=True,
            )
            yield len(batch)

    def delete(self, partition_key: str, ids: Sequence[str]) -> None:
        """Delete points of a partition by id; points that have moved to another partition meanwhile stay."""
        from qdrant_client import models

        for start in range(0, len(ids), SCROLL_PAGE):
            among = models.HasIdCondition(has_id=list(ids[start : start + SCROLL_PAGE]))
            points = models.Filter(must=[*_in_partitions([partition_key]).must, among])
            self._client.delete(self.version.name, models.FilterSelector(filter=points), wait=True)

    def count(self) -> int:
        """The exact number of all points."""
        return int(self._client.count(self.version.name, exact=True).count)

    def counts(self, partition_keys: Sequence[str]) -> dict[str, int]:
        """The exact number of points in each of these partitions."""
        hits = self._client.facet(
            self.version.name,
            key="partition",
            facet_filter=_in_partitions(partition_keys),
            limit=len(partition_keys),
            exact=True,
        ).hits
        return dict.fromkeys(partition_keys, 0) | {str(hit.value): hit.count for hit in hits}

    def delete_other_versions(self) -> list[str]:
        """Delete the versions that this one has replaced; returns their names."""
        return delete_versions_but(self._client, self.version.alias, self.version.name)


def alias_target(client: "QdrantClient", alias: str) -> str | None:
    """The version that an alias points to."""
    for description in client.get_aliases().aliases:
        if description.alias_name == alias:
            return str(description.collection_name)
    return None


def point_alias(client: "QdrantClient", alias: str, version: str) -> str | None:
    """Point `alias` to a version in one step; returns the version that it pointed to before."""
    from qdrant_client import models

    before = alias_target(client, alias)
    if before == version:
        return before
    operations: list[models.CreateAliasOperation | models.DeleteAliasOperation] = []
    if before is not None:
        operations.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
    create = models.CreateAlias(collection_name=version, alias_name=alias)
    operations.append(models.CreateAliasOperation(create_alias=create))
    client.update_collection_aliases(change_aliases_operations=operations)
    return before


def delete_versions_but(client: "QdrantClient", alias: str, version: str) -> list[str]:
    """Delete all versions of the collection except one; returns the names of those deleted."""
    others = [name for name in version_names(client, alias) if name != version]
    for name in others:
        client.delete_collection(name)
    return others


def version_names(client: "QdrantClient", alias: str) -> list[str]:
    """The existing versions of the collection: the one that is searched, and one that is being built.

    A version is recognised by its name and by the metadata that the pipeline stored in it. A collection that only has
    such a name is not one.
    """
    names = [c.name for c in client.get_collections().collections if _is_version(alias, c.name)]
    return [name for name in names if _is_ours(client, name)]


def held_versions(address: QdrantAddress, alias: str) -> list[str]:
    """The versions of the collection that Qdrant holds.

    For the embedded Qdrant, its folders are listed, since opening it would read all points. Raises CollectionError if a
    server refuses, ServiceUnavailableError if it does not answer.
    """
    if address.url is None:
        folders = address.directory / "collection"
        names = [folder.name for folder in folders.iterdir()] if folders.is_dir() else []
        return [name for name in names if _is_version(alias, name)]
    with address.connect() as client:
        return version_names(client, alias)


def _is_version(alias: str, name: str) -> bool:
    """Whether a collection is a version of `alias`, and not of a longer alias with the same beginning."""
    return re.fullmatch(f"{re.escape(alias)}--[0-9a-f]+", name) is not None


def _is_ours(client: "QdrantClient", name: str) -> bool:
    try:
        noted = client.get_collection(name).config.metadata or {}
    except Exception:
        if client.collection_exists(name):
            raise
        return False  # another process has deleted it since it was listed
    return _PRODUCER in noted


def delete_points(client: "QdrantClient", collection: str, ids: Sequence[str | int]) -> None:
    """Delete points by id."""
    from qdrant_client import models

    for start in range(0, len(ids), SCROLL_PAGE):
        batch = list(ids[start : start + SCROLL_PAGE])
        client.delete(collection, models.PointIdsList(points=batch), wait=True)


def delete_partition(client: "QdrantClient", alias: str, partition_key: str) -> int:
    """Delete a partition's points from all versions; returns how many there were in the version that is searched."""
    from qdrant_client import models

    searched, deleted = alias_target(client, alias), 0
    for name in version_names(client, alias):
        points = _in_partitions([partition_key])
        if name == searched:
            deleted = client.count(name, count_filter=points, exact=True).count
        client.delete(name, models.FilterSelector(filter=points), wait=True)
    return deleted


def _in_partitions(partition_keys: Sequence[str]) -> Any:
    from qdrant_client import models

    among = models.MatchAny(any=list(partition_keys))
    return models.Filter(must=[models.FieldCondition(key="partition", match=among)])
