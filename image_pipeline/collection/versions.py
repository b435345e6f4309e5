"""The change from one version of the collection to the next."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from image_pipeline.collection.collection import (
    Collection,
    alias_target,
    delete_versions_but,
    point_alias,
    version_names,
)
from image_pipeline.storage.ledger import LedgerEntry

if TYPE_CHECKING:
    from qdrant_client import QdrantClient


def is_complete(version: str, entries: Mapping[str, LedgerEntry]) -> bool:
    """Whether every partition that was ever ingested is in `version`.

    One that is still to be ingested for the first time is nobody's loss: it is not in the version before either.
    """
    return all(entry.collection == version for entry in entries.values())


def complete_version(collection: Collection, entries: Mapping[str, LedgerEntry]) -> list[str]:
    """Let the alias lead to this version, and delete those before it, once it holds every partition.

    Gives the names of the versions that were deleted. Search is answered by the version before until then.
    """
    if not is_complete(collection.version.name, entries):
        return []
    collection.point_alias_here()
    return collection.delete_other_versions()


def complete_left_version(client: "QdrantClient", alias: str, entries: Mapping[str, LedgerEntry]) -> list[str]:
    """What `complete_version` does, after partitions were taken out: what is left may be all in a newer version.

    Gives the names of the versions that were deleted.
    """
    versions = {entry.collection for entry in entries.values()}
    if len(versions) != 1:
        return []
    (version,) = versions
    if alias_target(client, alias) == version or version not in version_names(client, alias):
        return []
    point_alias(client, alias, version)
    return delete_versions_but(client, alias, version)
