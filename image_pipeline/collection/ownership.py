"""Ownership of a collection: if two libraries shared one, each would delete the other's points."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from image_pipeline.collection.collection import alias_target, version_names
from image_pipeline.collection.replaced import VersionReplacedError, reading
from image_pipeline.errors import CollectionError
from image_pipeline.files.names import to_text

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

_LIBRARY = "library"


def own_collection(client: "QdrantClient", alias: str, libraries: Sequence[Path]) -> None:
    """Make all versions of the collection `alias` belong to the first of `libraries`.

    `libraries` are the folders of one library, the current one first. Raises CollectionError if a version belongs to
    another library; nothing is changed then.
    """
    roots = [to_text(str(root.resolve())) for root in libraries]
    owners: dict[str, str | None] = {}
    for name in version_names(client, alias):
        with suppress(VersionReplacedError), reading(client, name):  # a run may just be replacing it
            owners[name] = _owner(client, name)
    for name, owner in owners.items():
        if owner is not None and owner not in roots:
            raise CollectionError(
                f"The collection {name!r} in Qdrant holds the library {owner}, not {roots[0]}: set "
                "IMAGE_PIPELINE_COLLECTION to a different name, or, if that library no longer exists, delete the "
                "collection."
            )
    for name, owner in owners.items():
        if owner != roots[0]:
            with suppress(VersionReplacedError), reading(client, name):
                client.update_collection(name, metadata={_LIBRARY: roots[0]})


def own_versions(
    client: "QdrantClient", alias: str, libraries: Sequence[Path], ingested: Collection[str]
) -> dict[str, bool]:
    """The versions of the collection `alias`, and whether each belongs to one of `libraries`.

    A version that names no library, since its first run was interrupted, belongs to them if it is among `ingested`, the
    versions in the ledger.
    """
    roots = [to_text(str(root.resolve())) for root in libraries]
    owners = {name: _owner(client, name) for name in version_names(client, alias)}
    return {name: owner in roots or (owner is None and name in ingested) for name, owner in owners.items()}


def delete_versions(client: "QdrantClient", alias: str, names: Collection[str]) -> None:
    """Delete versions of the collection `alias`, and the alias if it points to one of them."""
    from qdrant_client import models

    if alias_target(client, alias) in names:
        delete_alias = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
        client.update_collection_aliases(change_aliases_operations=[delete_alias])
    for name in names:
        client.delete_collection(name)


def _owner(client: "QdrantClient", version: str) -> str | None:
    owner = (client.get_collection(version).config.metadata or {}).get(_LIBRARY)
    return None if owner is None else str(owner)
