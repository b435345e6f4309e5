"""Where a store may be: in a separate folder, apart from the library."""

import os
import pwd
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from image_pipeline.errors import SettingsError
from image_pipeline.files.rules import is_directory_left_out


def check_place(home: Path, library: Path | None = None) -> None:
    """Raises SettingsError if `home` cannot be a store.

    That is the root of the disk, a home folder, or a folder that overlaps with the library.
    """
    if home.resolve() == Path(home.anchor) or any(_is_same(home, own) for own in home_folders()):
        raise SettingsError(
            f"The store cannot be {home} itself, which has other files: unset IMAGE_PIPELINE_HOME, or set it to a "
            "separate folder, such as ~/.image-pipeline."
        )
    if library is not None:
        check_apart(home, library)


def check_apart(home: Path, library: Path) -> None:
    """Raises SettingsError if the store is in the library, where it would be ingested, or the library in the store.

    Hidden folders below the library are not ingested, and may be the store.
    """
    store, root = home.resolve(), library.resolve()
    if store.is_relative_to(root) and not any(is_directory_left_out(part) for part in store.relative_to(root).parts):
        raise SettingsError(
            f"The store {home} is inside the library {library}, so its thumbnails would be ingested: set "
            "IMAGE_PIPELINE_HOME to a folder outside the library, or to a hidden one."
        )
    if root.is_relative_to(store):
        raise SettingsError(
            f"The library {library} is inside the store {home}: set IMAGE_LIBRARY to the folder of photographs, or "
            "IMAGE_PIPELINE_HOME to a separate folder."
        )


def home_folders() -> Iterator[Path]:
    """The home folder of the user according to HOME, and according to the system."""
    with suppress(RuntimeError):
        yield Path.home()
    with suppress(KeyError):
        yield Path(pwd.getpwuid(os.getuid()).pw_dir)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them does not exist
        return one.resolve() == other.resolve()
