"""The library that a store belongs to."""

from pathlib import Path

from image_pipeline.errors import LibraryError, SettingsError
from image_pipeline.files.discovery import check_library
from image_pipeline.storage.ledger import Ledger


def open_library(root: Path | None, ledger: Ledger) -> Path:
    """The root of the library: `root`, or where that is None, the one that the store was made for.

    A store belongs to one library, and remembers it: another library's files would stand in for all of its own,
    which would then be taken for deleted. Raises SettingsError where none is set, LibraryError where it cannot be
    read or is not the store's.
    """
    known = ledger.library()
    if root is None:
        root = known
    if root is None:
        raise SettingsError("No library is set: set IMAGE_LIBRARY to the folder of photographs.")
    check_library(root)
    if known is None:
        ledger.set_library(root)
    elif known.resolve() != root.resolve():
        raise LibraryError(
            f"The store belongs to the library {known}, not to {root}: set IMAGE_PIPELINE_HOME to another folder for a "
            f"second library, or, if the library has moved, run `image-pipeline adopt {root}`."
        )
    return root
