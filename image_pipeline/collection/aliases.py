"""Versions of a collection in Qdrant, by name, and the alias that points to one of them: calls on an open client."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qdrant_client import QdrantClient, models

PRODUCER = "embedding_producer"
"""The metadata key that every version has, and that collections made by other programs lack."""


def is_version(alias: str, name: str) -> bool:
    """Whether a collection is a version of `alias`, and not of a longer alias with the same beginning."""
    return re.fullmatch(f"{re.escape(alias)}--[0-9a-f]+", name) is not None


def is_ours(client: "QdrantClient", name: str) -> bool:
    """Whether the pipeline made the collection `name`; False if another process has just deleted it."""
    try:
        noted = client.get_collection(name).config.metadata or {}
    except Exception:
        if client.collection_exists(name):
            raise
        return False
    return PRODUCER in noted


def version_names(client: "QdrantClient", alias: str) -> list[str]:
    """The existing versions of the collection: the one that is searched, and one that is being built.

    A version is recognised by its name and by the metadata that the pipeline stored in it. A collection that only has
    such a name is not one.
    """
    names = [c.name for c in client.get_collections().collections if is_version(alias, c.name)]
    return [name for name in names if is_ours(client, name)]


def alias_target(client: "QdrantClient", alias: str) -> str | None:
    """The version that an alias points to; None if there is no such alias."""
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
        operations.append(_deletion(alias))
    create = models.CreateAlias(collection_name=version, alias_name=alias)
    operations.append(models.CreateAliasOperation(create_alias=create))
    client.update_collection_aliases(change_aliases_operations=operations)
    return before


def delete_alias(client: "QdrantClient", alias: str) -> None:
    """Delete an alias."""
    client.update_collection_aliases(change_aliases_operations=[_deletion(alias)])


def delete_versions_but(client: "QdrantClient", alias: str, version: str) -> list[str]:
    """Delete all versions of the collection except one; returns the names of those deleted."""
    others = [name for name in version_names(client, alias) if name != version]
    for name in others:
        client.delete_collection(name)
    return others


def _deletion(alias: str) -> "models.DeleteAliasOperation":
    from qdrant_client import models

    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
