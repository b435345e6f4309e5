"""The library that a store belongs to."""

import os
from pathlib import Path

from image_pipeline.errors import LibraryError, SettingsError, StoreError
from image_pipeline.files.discovery import check_library
from image_pipeline.files.names import from_text
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.location import check_apart
from image_pipeline.storage.mark import read_mark, write_mark


def open_library(root: Path | None, ledger: Ledger) -> Path:
    """The root of the library: `root`, or, if that is None, the library that the store was made for.

    A store belongs to one library and remembers it: with a different library, all of its own files would be taken for
    deleted. Raises SettingsError if no library is set, or if store and library overlap, LibraryError if the library
    cannot be read or is not the store's.
    """
    home = ledger.file.parent
    known = ledger.library() or library_of(home)
    if root is None:
        root = known
    if root is None:
        raise SettingsError(
            "No library is set: give the folder of photographs in the command, or set IMAGE_LIBRARY to it."
        )
    check_library(root)
    check_apart(home, root)
    if known is None:
        settle(root, ledger)
    elif known.resolve() != root.resolve():
        raise LibraryError(
            f"The store belongs to the library {known}, not to {root}: for a second library, set IMAGE_PIPELINE_HOME "
            f"to another folder; if the library has moved, or was the wrong folder, run `image-pipeline adopt {root}`."
        )
    elif library_of(home) is None or ledger.library() is None:
        settle(known, ledger)
    return root


def settle(root: Path, ledger: Ledger) -> None:
    """Make the store belong to the library `root`, in its ledger and in its mark.

    Raises StoreError if they cannot be written.
    """
    home = ledger.file.parent
    ledger.set_library(root)
    try:
        write_mark(home, root)
    except OSError as error:
        raise StoreError(
            f"The store {home} cannot be written ({error.strerror}): make room in it, or set IMAGE_PIPELINE_HOME to a "
            "writable folder."
        ) from error


def check_holds(root: Path, ledger: Ledger, deletion_share: float, allow_deletions: bool = False) -> None:
    """Raises LibraryError if the library `root` does not hold the files that the store knows.

    At most the share `deletion_share` of them may be missing, unless a person allows more.
    """
    check_library(root)
    known = ledger.files()
    missing = sum(not os.path.lexists(root / from_text(path)) for path in known)
    if not allow_deletions and missing > deletion_share * len(known):
        raise LibraryError(
            f"The folder {root} holds {len(known) - missing} of the {len(known)} files that the store knows: give the "
            f"folder that {ledger.library() or 'the library'} was moved to; for another library, set "
            "IMAGE_PIPELINE_HOME to another folder; if so many files were deleted, add --allow-deletions."
        )


def library_of(home: Path) -> Path | None:
    """The library named in the mark of the store `home`. Raises StoreError if the mark cannot be read."""
    try:
        mark = read_mark(home)
    except OSError as error:
        raise StoreError(
            f"The store {home} cannot be read ({error.strerror}): give the user who runs the pipeline read permission."
        ) from error
    return None if mark is None else mark.library
