"""Indexed files: the files of the library that are points of the collection, found by id or by content, and opened."""

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.replaced import again_if_replaced
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.files.names import from_text
from image_pipeline.files.open_file import LibraryFile, find_below, open_below
from image_pipeline.schema.payload import PATH

Found = TypeVar("Found")
_MOST_COPIES = 16


@dataclass(frozen=True)
class IndexedFiles:
    """The files of the collection `alias`; `root` returns the root of the library, or raises LibraryError.

    Each method raises CollectionError and ServiceUnavailableError as `QdrantAddress.connect` does, and as `root` does.
    """

    address: QdrantAddress
    alias: str
    root: Callable[[], Path]

    def path(self, identity: str) -> str | None:
        """The path of the file whose point has this id; None if there is none, or `identity` is no id."""
        try:
            known = str(uuid.UUID(identity))
        except ValueError:
            return None
        payload = self._ask(lambda points: points.payload_of_id(known))
        path = None if payload is None else payload.get(PATH.name)
        return path if isinstance(path, str) else None

    def open(self, path: str) -> BinaryIO | None:
        """The file `path` of the library, unbuffered; None if it is not there, not regular, a link or behind a link."""
        name = _name(path)
        if name is None:
            return None
        try:
            return open(open_below(self.root(), name), "rb", buffering=0)
        except (OSError, ValueError):  # ValueError: a NUL
            return None

    def with_content(self, sha256: str) -> list[LibraryFile]:
        """The files that were indexed with this content and exist, each with its present status: it may have changed.

        At most 16: copies of one picture.
        """
        copies = self._ask(lambda points: [str(one[PATH.name]) for one in points.same_picture(sha256, None)])
        if not copies:
            return []
        files, root = [], self.root()
        for path in sorted(copies)[:_MOST_COPIES]:
            name = _name(path)
            if name is not None:
                try:
                    files.append(find_below(root, name))
                except (OSError, ValueError):
                    continue
        return files

    def _ask(self, question: Callable[[VersionPoints], Found]) -> Found | None:
        def ask() -> Found | None:
            with self.address.connect(self.alias) as qdrant:
                version = qdrant.alias_target()
                return None if version is None else question(qdrant.points(version))

        return again_if_replaced(ask)


def _name(path: str) -> str | None:
    """`path` for Python's `os` functions; None if it is not that of a file below the library.

    Paths of the collection are those that were listed; a Qdrant server may hold points that others have written.
    """
    try:
        name = from_text(path)
    except UnicodeEncodeError:
        return None
    parts = name.split("/")
    return None if {"", os.curdir, os.pardir}.intersection(parts) else name
