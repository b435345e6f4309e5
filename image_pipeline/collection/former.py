"""The former embedded Qdrant, the local mode of the Qdrant client: which collections were in it.

Only its description is read, which is JSON. Its points are pickles, which are never read: they are made again from the
tables of the stages.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from image_pipeline.collection.aliases import PRODUCER
from image_pipeline.collection.collection import CollectionVersion
from image_pipeline.collection.engine import Engine

DESCRIPTION = "meta.json"


@dataclass(frozen=True)
class FormerCollections:
    """The versions that the pipeline made, by name, in the present layout, and the aliases that point to them."""

    versions: Mapping[str, CollectionVersion] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)


def read_former(directory: Path) -> FormerCollections:
    """The collections of the former embedded Qdrant in `directory`; none if there are none, or if it is damaged."""
    try:
        described = json.loads((directory / DESCRIPTION).read_bytes())
        collections = described["collections"].items()
        found = {name: (one["vectors"]["size"], one["metadata"] or {}) for name, one in collections}
        aliases = dict(described["aliases"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return FormerCollections()
    versions = {}
    for name, (dimension, metadata) in found.items():
        alias, _, producer_hash = name.rpartition("--")
        if alias and isinstance(dimension, int) and PRODUCER in metadata:
            texts = (metadata.get(key, "") for key in (PRODUCER, "embedding_model", "embedding_dtype"))
            producer, model, dtype = map(str, texts)
            versions[name] = CollectionVersion(alias, producer, producer_hash, dimension, model, dtype)
    return FormerCollections(versions, {alias: name for alias, name in aliases.items() if name in versions})


class Former(ABC):
    """What an embedded Qdrant replaces, and is filled with when it is first used."""

    @property
    @abstractmethod
    def exists(self) -> bool:
        """Whether there is anything to fill it with."""

    @property
    @abstractmethod
    def stamp(self) -> str:
        """A text that changes when an older program writes to it."""

    @abstractmethod
    def fill(self, engine: Engine, seconds: float | None) -> bool:
        """Fill it; False if that took longer than `seconds` (None: no limit).

        A call after one that was interrupted, or took too long, continues. Other processes may use the embedded Qdrant
        meanwhile, and may call this, too.
        """

    @abstractmethod
    def delete(self) -> None:
        """Delete what was taken over."""
