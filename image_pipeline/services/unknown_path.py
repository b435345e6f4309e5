"""Unknown paths: why the store knows nothing of a file that a person names, and what to do about it."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from image_pipeline.errors import LibraryError, PipelineError, SettingsError
from image_pipeline.files.discovery import check_library
from image_pipeline.files.left_out import why_left_out
from image_pipeline.files.names import from_text, to_text


def explain_unknown(path: Path, names: Iterable[str], library: Path | None) -> PipelineError:
    """The error for a path that a person gave and that is not known, with what to do about it.

    `names` are possible names of the file in the store. A SettingsError if the path is outside the library, else a
    LibraryError.
    """
    shown = to_text(str(path))
    if library is None:
        return LibraryError("Nothing has been ingested into the store yet: run `image-pipeline ingest DIRECTORY`.")
    check_library(library)
    inside = [name for name in dict.fromkeys(names) if _is_in_library(name)]
    name = next((name for name in inside if _exists(library, name)), None)
    if name is None:
        if os.path.lexists(path) or not inside:
            return SettingsError(f"{shown} is outside the library {library}: give the path of a file in it.")
        place = "" if path.is_absolute() else f" in the library {library} or in the current directory"
        return LibraryError(
            f"There is no file {shown}{place}, and the store has no record of one: give a path as "
            "`image-pipeline search` prints it."
        )
    return _explain_unknown_file(library, name)


def _explain_unknown_file(library: Path, name: str) -> PipelineError:
    place = library / from_text(name)
    try:
        if stat.S_ISDIR(place.lstat().st_mode):
            return LibraryError(f"{name} is a directory: give the path of a file in it.")
        reason = why_left_out(library, name)
    except OSError as error:
        return LibraryError(
            f"{name} cannot be read ({error.strerror}): give the user who runs the pipeline read permission."
        )
    if reason is not None:
        return LibraryError(f"{name} is not ingested because {reason}.")
    return LibraryError(f"{name} was not ingested yet: run `image-pipeline ingest`.")


def _is_in_library(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/") and "\0" not in name


def _exists(library: Path, name: str) -> bool:
    """Whether a file of the library exists; True if its directory cannot be read, because it may be there."""
    try:
        (library / from_text(name)).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    return True
