"""Paths of files in the library that a person gives to a command."""

import os
from collections.abc import Iterator
from pathlib import Path

from image_pipeline.files.names import to_text
from image_pipeline.terminal import unescaped


def names_of(path: Path, root: Path | None) -> Iterator[str]:
    """Possible names of a file or directory in the store: as printed, as on disk, and relative to the library `root`.

    A path on disk may lead to the library through links.
    """
    yield from filter(_is_text, (str(path), unescaped(str(path))))
    yield to_text(os.path.normpath(path))
    absolute = Path(os.path.normpath(path.absolute()))
    for library in () if root is None else (root, root.resolve()):
        for place in (absolute, absolute.parent.resolve() / absolute.name):
            if place.is_relative_to(library):
                yield to_text(str(place.relative_to(library)))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
