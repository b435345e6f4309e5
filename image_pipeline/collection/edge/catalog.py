"""The catalogue of an embedded Qdrant: its collections and aliases, which Qdrant Edge itself does not know.

One file, which is replaced as a whole: a collection exists, and an alias points to it, if the file says so. A folder
that the file does not name was left by a creation or a deletion that was interrupted.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from image_pipeline.errors import CollectionError

NAME = "catalog.json"
FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """A collection: the folder of its shard, the size of its vectors, and its metadata."""

    folder: str
    dimension: int
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Catalog:
    """Collections by name, and aliases; a changed catalogue is a new one.

    `taken` is the stamp of the former embedded Qdrant when it was taken over, empty if it never was.
    """

    collections: Mapping[str, Entry] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    taken: str = ""

    def having(self, name: str, entry: Entry) -> "Catalog":
        """The same with a collection, new or changed."""
        return replace(self, collections={**self.collections, name: entry})

    def without(self, name: str) -> "Catalog":
        """The same without a collection, and without the aliases that point to it."""
        collections = {one: entry for one, entry in self.collections.items() if one != name}
        aliases = {alias: target for alias, target in self.aliases.items() if target != name}
        return replace(self, collections=collections, aliases=aliases)

    def pointing(self, alias: str, name: str | None) -> "Catalog":
        """The same with an alias that points to a collection, or without that alias (None)."""
        others = {one: target for one, target in self.aliases.items() if one != alias}
        return replace(self, aliases=others if name is None else {**others, alias: name})

    def new_folder(self, present: Iterable[str]) -> str:
        """The name of a folder that neither the catalogue nor `present` has."""
        taken = {entry.folder for entry in self.collections.values()} | set(present)
        return next(name for number in range(1, len(taken) + 2) if (name := f"shard-{number}") not in taken)


def read_catalog(directory: Path) -> Catalog:
    """The catalogue in `directory`, empty if there is none.

    Raises CollectionError if it is damaged or from a newer version.
    """
    file = directory / NAME
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        return Catalog()
    try:
        content = json.loads(text)
        if content["format"] > FORMAT:
            raise CollectionError(
                f"The embedded Qdrant in {directory} was made by a newer version of image-pipeline: install that "
                "version, or set IMAGE_PIPELINE_HOME to a different folder."
            )
        entries = {name: _entry(one) for name, one in content["collections"].items()}
        aliases = {str(alias): str(target) for alias, target in content["aliases"].items() if target in entries}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CollectionError(
            f"The embedded Qdrant in {directory} cannot be opened ({NAME} is damaged): delete that folder and ingest "
            "the library again; the models do not have to run again."
        ) from error
    return Catalog(entries, aliases, str(content.get("taken", "")))


def write_catalog(directory: Path, catalog: Catalog) -> None:
    """Replace the catalogue in `directory` in one step, and wait until it is on the disk. Raises OSError."""
    content = {
        "format": FORMAT,
        "collections": {name: asdict(entry) for name, entry in catalog.collections.items()},
        "aliases": dict(catalog.aliases),
        "taken": catalog.taken,
    }
    unfinished = directory / f".{NAME}.tmp"
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, directory / NAME)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _entry(content: Any) -> Entry:
    folder, dimension, metadata = content["folder"], content["dimension"], content["metadata"]
    if Path(folder).name != folder or not isinstance(dimension, int):
        raise ValueError(f"no entry of a collection: {content}")
    return Entry(folder, dimension, {str(key): str(value) for key, value in metadata.items()})
