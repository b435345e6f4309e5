"""Where a store may lie: in a folder of its own, apart from the library."""

import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from image_pipeline.errors import SettingsError
from image_pipeline.files.rules import is_directory_left_out


def check_place(home: Path, library: Path | None = None) -> None:
    """Raises SettingsError where `home` can be no store: the root of the disk, a person's home folder, or a folder
    that has files in common with the library."""
    if home.resolve() == Path(home.anchor) or any(_is_same(home, own) for own in home_folders()):
        raise SettingsError(
            f"The store cannot be {home} itself, where other files lie: unset IMAGE_PIPELINE_HOME, or set it to a "
            "folder of its own, such as ~/.image-pipeline."
        )
    if library is not None:
        check_apart(home, library)


def check_apart(home: Path, library: Path) -> None:
    """Raises SettingsError where the store would be ingested with the library, or the library lies in the store.

    A hidden folder below the library is left out of it, and may be the store.
    """
    store, root = home.resolve(), library.resolve()
    if store.is_relative_to(root) and not any(is_directory_left_out(part) for part in store.relative_to(root).parts):
        raise SettingsError(
            f"The store {home} lies in the library {library}, which would ingest its thumbnails: set "
            "IMAGE_PIPELINE_HOME to a folder outside of it, or to a hidden one."
        )
    if root.is_relative_to(store):
        raise SettingsError(
            f"The library {library} lies in the store {home}: set IMAGE_LIBRARY to the folder of photographs, or "
            "IMAGE_PIPELINE_HOME to a folder of its own."
        )


def home_folders() -> Iterator[Path]:
    """The home folder of the user, as HOME says, and as the system knows it."""
    with suppress(RuntimeError):
        yield Path.home()
    with suppress(KeyError):
        yield Path(pwd.getpwuid(os.getuid()).pw_dir)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there
        return one.resolve() == other.resolve()
