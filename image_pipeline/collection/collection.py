"""The collection: one version per embedding producer, each with all payload indexes, behind one alias."""

from dataclasses import dataclass, replace

from image_pipeline.collection.aliases import (
    PRODUCER,
    alias_target,
    delete_versions_but,
    is_ours,
    is_version,
    point_alias,
)
from image_pipeline.collection.engine import Engine
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.errors import CollectionError
from image_pipeline.schema.column import Index
from image_pipeline.schema.payload import PAYLOAD

LAYOUT = 2
"""The vectors that each point has. Bump when they change: existing collections are then filled again from the tables.

1: the embedding. 2: also a sparse vector of words.
"""


@dataclass(frozen=True)
class CollectionVersion:
    """A version of the collection `alias`: the embeddings of one producer, vectors of `dimension` numbers.

    `model` and `dtype` are written as in the settings, so that a search can load the same model. `producer_hash` is
    hexadecimal.
    """

    alias: str
    producer: str
    producer_hash: str
    dimension: int
    model: str
    dtype: str
    layout: int = LAYOUT

    @property
    def name(self) -> str:
        """The name of this version in Qdrant: alias, hash and layout, so that older programs also see a version."""
        return f"{self.alias}--{self.producer_hash}{'' if self.layout == 1 else f'{self.layout:02x}'}"

    @property
    def earlier_names(self) -> list[str]:
        """The names of the versions with the same embeddings in earlier layouts, which this one replaces."""
        return [replace(self, layout=layout).name for layout in range(1, self.layout)]


class Collection(VersionPoints):
    """One version of the collection, through an open engine: creates it, and reads and writes its points."""

    def __init__(self, engine: Engine, version: CollectionVersion) -> None:
        super().__init__(engine, version.name)
        self.version = version

    @property
    def exists(self) -> bool:
        """Whether Qdrant has the version."""
        return self._engine.exists(self.name)

    def check(self) -> str | None:
        """The version that the alias points to; changes nothing.

        Raises CollectionError if a collection of this version's name has vectors of a different size, or if a
        collection or an alias that this pipeline did not make has the name of the alias.
        """
        target = alias_target(self._engine, self.version.alias)
        self._check_that_alias_is_free(target)
        if self.exists:
            self._check_size()
        return target

    def ensure(self) -> None:
        """Create the version with its payload indexes if it does not exist, and the alias if there is none yet.

        Raises CollectionError as `check` does; nothing is created then.
        """
        if self.create() is None:
            self.point_alias_here()

    def create(self) -> str | None:
        """Create the version as `ensure` does, without the alias; returns the version that the alias points to."""
        target = self.check()
        if not self.exists:
            self._create()
            self._check_size()  # a different process may have created it first
        self._create_indexes()
        return target

    def point_alias_here(self) -> str | None:
        """Point the alias to this version in one step; returns the version that it pointed to before."""
        return point_alias(self._engine, self.version.alias, self.name)

    def delete_other_versions(self) -> list[str]:
        """Delete the versions that this one has replaced; returns their names."""
        return delete_versions_but(self._engine, self.version.alias, self.name)

    def tidy(self) -> None:
        """Reorganise the files of this version if it is worth it, after many changes."""
        self._engine.tidy(self.name)

    def _check_that_alias_is_free(self, target: str | None) -> None:
        alias = self.version.alias
        taken = alias in self._engine.names() if target is None else not is_version(alias, target)
        if taken:
            raise CollectionError(
                f"Qdrant holds a collection named {alias!r} that this pipeline did not make: "
                "set IMAGE_PIPELINE_COLLECTION to a different name."
            )

    def _create(self) -> None:
        metadata = {
            PRODUCER: self.version.producer,
            "embedding_model": self.version.model,
            "embedding_dtype": self.version.dtype,
            "layout": str(self.version.layout),
        }
        try:
            self._engine.create(self.name, self.version.dimension, metadata)
        except Exception:
            if not self._engine.exists(self.name):  # a different process created it first
                raise

    def _create_indexes(self) -> None:
        """Create the missing payload indexes, for a new version or for one whose creation was interrupted."""
        existing = self._engine.indexed(self.name)
        declared = {field.name: field.index for field in PAYLOAD if field.index is not Index.NONE}
        missing = {name: index for name, index in declared.items() if name not in existing}
        if missing:
            self._engine.create_indexes(self.name, missing)

    def _check_size(self) -> None:
        if not is_ours(self._engine, self.name):
            raise CollectionError(
                f"Qdrant holds a collection named {self.name!r} that this pipeline did not make: set "
                "IMAGE_PIPELINE_COLLECTION to a different name."
            )
        size = self._engine.describe(self.name).dimension
        if size != self.version.dimension:
            raise CollectionError(
                f"The collection {self.name!r} holds vectors of {size} numbers, but the model produces "
                f"{self.version.dimension}: delete it, or set IMAGE_PIPELINE_COLLECTION to a different name."
            )
