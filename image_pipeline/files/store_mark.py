"""The format of a store's mark: the file `store.json`, which shows that a folder is a store, and for which library."""

import json
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.names import from_text, to_text

NAME = "store.json"
VERSION = 1
"""Bump when the layout of the store changes."""

_PROGRAM = "image-pipeline"


@dataclass(frozen=True)
class Mark:
    """The `version` of a store's layout, and its library; None until one is ingested."""

    version: int
    library: Path | None


def parse_mark(text: bytes) -> Mark | None:
    """The mark in the content of a file named `NAME`; None if it is not a mark."""
    try:
        content = json.loads(text)
        program, version, library = content["program"], content["version"], content["library"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if program != _PROGRAM or not isinstance(version, int) or not isinstance(library, str | None):
        return None
    return Mark(version, None if library is None else Path(from_text(library)))


def format_mark(library: Path | None) -> bytes:
    """The mark of the store of a library, as its file holds it."""
    content = {
        "program": _PROGRAM,
        "version": VERSION,
        "library": None if library is None else to_text(str(library)),
    }
    return json.dumps(content, indent=2).encode() + b"\n"
