"""The switch from one version of the collection to the next."""

from collections.abc import Mapping

from image_pipeline.collection.collection import Collection
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.storage.ledger import LedgerEntry


def is_complete(version: str, entries: Mapping[str, LedgerEntry]) -> bool:
    """Whether every partition that was ever ingested is in `version`.

    Partitions that were never ingested do not count: they are not in the previous version either.
    """
    return all(entry.collection == version for entry in entries.values())


def complete_version(collection: Collection, entries: Mapping[str, LedgerEntry]) -> list[str]:
    """Once this version holds every partition, point the alias to it and delete the other versions.

    Returns the names of the deleted versions. Until then, searches use the previous version.
    """
    if not is_complete(collection.version.name, entries):
        return []
    collection.point_alias_here()
    return collection.delete_other_versions()


def complete_left_version(qdrant: Qdrant, entries: Mapping[str, LedgerEntry]) -> list[str]:
    """Do the same as `complete_version` after partitions were removed: the rest may all be in a newer version.

    Returns the names of the deleted versions.
    """
    versions = {entry.collection for entry in entries.values()}
    if len(versions) != 1:
        return []
    (version,) = versions
    if qdrant.alias_target() == version or version not in qdrant.versions():
        return []
    qdrant.point_alias(version)
    return qdrant.delete_versions_but(version)
