"""The library that a store belongs to."""

from pathlib import Path

from image_pipeline.errors import LibraryError, SettingsError
from image_pipeline.files.discovery import check_library
from image_pipeline.files.rules import is_directory_left_out
from image_pipeline.storage.ledger import Ledger


def open_library(root: Path | None, ledger: Ledger) -> Path:
    """The root of the library: `root`, or where that is None, the one that the store was made for.

    A store belongs to one library, and remembers it: another library's files would stand in for all of its own,
    which would then be taken for deleted. Raises SettingsError where none is set or where the store lies in it,
    LibraryError where it cannot be read or is not the store's.
    """
    known = ledger.library()
    if root is None:
        root = known
    if root is None:
        raise SettingsError("No library is set: set IMAGE_LIBRARY to the folder of photographs.")
    check_library(root)
    if _is_walked(root, ledger.file.parent):
        raise SettingsError(
            f"The store {ledger.file.parent} lies in the library {root}, which would ingest its thumbnails: "
            "set IMAGE_PIPELINE_HOME to a folder outside of it, or to a hidden one."
        )
    if known is None:
        ledger.set_library(root)
    elif known.resolve() != root.resolve():
        raise LibraryError(
            f"The store belongs to the library {known}, not to {root}: set IMAGE_PIPELINE_HOME to another folder for a "
            f"second library, or, if the library has moved, run `image-pipeline adopt {root}`."
        )
    return root


def _is_walked(root: Path, directory: Path) -> bool:
    """Whether a directory lies in the library, and is not left out of it."""
    try:
        below = directory.resolve().relative_to(root.resolve())
    except ValueError:
        return False
    return not any(is_directory_left_out(part) for part in below.parts)
