"""Ownership of a collection: if two libraries shared one, each would delete the other's points."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from image_pipeline.collection.qdrant import Qdrant
from image_pipeline.collection.replaced import VersionReplacedError
from image_pipeline.errors import CollectionError
from image_pipeline.files.names import to_text

_LIBRARY = "library"


def own_collection(qdrant: Qdrant, libraries: Sequence[Path]) -> None:
    """Make all versions of the collection belong to the first of `libraries`.

    `libraries` are the folders of one library, the current one first. Raises CollectionError if a version belongs to
    another library; nothing is changed then.
    """
    roots = [to_text(str(root.resolve())) for root in libraries]
    owners: dict[str, str | None] = {}
    for name in qdrant.versions():
        with suppress(VersionReplacedError), qdrant.points(name).reading():  # a run may be replacing it right now
            owners[name] = _owner(qdrant, name)
    for name, owner in owners.items():
        if owner is not None and owner not in roots:
            raise CollectionError(
                f"The collection {name!r} in Qdrant holds the library {owner}, not {roots[0]}: set "
                "IMAGE_PIPELINE_COLLECTION to a different name, or, if that library no longer exists, delete the "
                "collection."
            )
    for name, owner in owners.items():
        if owner != roots[0]:
            with suppress(VersionReplacedError), qdrant.points(name).reading():
                qdrant.set_metadata(name, _LIBRARY, roots[0])


def own_versions(qdrant: Qdrant, libraries: Sequence[Path], ingested: Collection[str]) -> dict[str, bool]:
    """The versions of the collection, and whether each belongs to one of `libraries`.

    A version that names no library, since its first run was interrupted, belongs to them if it is among `ingested`, the
    versions in the ledger.
    """
    roots = [to_text(str(root.resolve())) for root in libraries]
    owners = {name: _owner(qdrant, name) for name in qdrant.versions()}
    return {name: owner in roots or (owner is None and name in ingested) for name, owner in owners.items()}


def _owner(qdrant: Qdrant, version: str) -> str | None:
    owner = qdrant.metadata(version).get(_LIBRARY)
    return None if owner is None else str(owner)
