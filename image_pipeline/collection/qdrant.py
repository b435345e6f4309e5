"""An open connection to Qdrant: the versions of one collection, the alias that points to one of them, their points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from image_pipeline.collection.aliases import (
    PRODUCER,
    alias_target,
    delete_versions_but,
    point_alias,
    version_names,
)
from image_pipeline.collection.collection import Collection, CollectionVersion
from image_pipeline.collection.engine import Engine
from image_pipeline.collection.replaced import reading
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.errors import CollectionError
from image_pipeline.settings import DType


class NoCollectionError(CollectionError):
    """Nothing has been ingested yet."""


@dataclass(frozen=True)
class SearchedVersion:
    """The version that is searched: its name in Qdrant, and the producer and model of its embeddings.

    `model` and `dtype` are written as in the settings.
    """

    name: str
    producer: str
    model: str
    dtype: DType


class Qdrant:
    """An open connection to Qdrant for the collection `alias`; `QdrantAddress.connect` makes it.

    Each method raises CollectionError if Qdrant refuses, ServiceUnavailableError if it does not answer.
    """

    def __init__(self, engine: Engine, alias: str) -> None:
        self._engine = engine
        self.alias = alias

    def collection(self, version: CollectionVersion) -> Collection:
        """A version of a collection, to create and to fill."""
        return Collection(self._engine, version)

    def points(self, version: str) -> VersionPoints:
        """The points of a version, by its name."""
        return VersionPoints(self._engine, version)

    def versions(self) -> list[str]:
        """The names of the existing versions: the one that is searched, and one that is being built.

        A version is recognised by its name and by the metadata that the pipeline stored in it.
        """
        return version_names(self._engine, self.alias)

    def alias_target(self) -> str | None:
        """The name of the version that the alias points to, which is searched; None before the first ingestion."""
        return alias_target(self._engine, self.alias)

    def searched_version(self) -> SearchedVersion:
        """The version that the alias points to, and the model that made it.

        Raises CollectionError if there is no collection yet, VersionReplacedError if it is being replaced.
        """
        target = self.alias_target()
        if target is None:
            raise NoCollectionError(
                f"There is no collection {self.alias!r} in Qdrant yet: ingest a library first "
                "(`image-pipeline ingest FOLDER`)."
            )
        with reading(self._engine, target):
            metadata = self.metadata(target)
        try:
            return SearchedVersion(
                target, metadata[PRODUCER], metadata["embedding_model"], DType(metadata["embedding_dtype"])
            )
        except (KeyError, ValueError) as error:
            raise CollectionError(
                f"The collection {target!r} does not say which model made it: set IMAGE_PIPELINE_COLLECTION to a "
                "different name, or delete the collection and ingest the library again."
            ) from error

    def point_alias(self, version: str) -> str | None:
        """Point the alias to a version in one step; returns the version that it pointed to before."""
        return point_alias(self._engine, self.alias, version)

    def delete_versions_but(self, version: str) -> list[str]:
        """Delete all versions except one; returns the names of those deleted."""
        return delete_versions_but(self._engine, self.alias, version)

    def delete_versions(self, names: Sequence[str]) -> None:
        """Delete versions, and the alias if it points to one of them."""
        if self.alias_target() in names:
            self._engine.set_alias(self.alias, None)
        for name in names:
            self._engine.drop(name)

    def delete_partition(self, partition_key: str) -> int:
        """Delete a partition's points from all versions; returns how many of them the searched version had."""
        searched, deleted = self.alias_target(), 0
        for name in self.versions():
            points = self.points(name)
            if name == searched:
                deleted = points.count_partition(partition_key)
            points.delete_partition(partition_key)
        return deleted

    def damage(self, version: str) -> str | None:
        """What is wrong with the files of a version, apart from its payloads and vectors; None if nothing is.

        Also None if this Qdrant is a server, which looks after its files itself.
        """
        return self._engine.damage(version)

    def metadata(self, version: str) -> Mapping[str, str]:
        """The metadata of a version, such as its producer and its library."""
        return self._engine.describe(version).metadata

    def set_metadata(self, version: str, name: str, value: str) -> None:
        """Set one entry of the metadata of a version; the others stay."""
        self._engine.set_metadata(version, name, value)
