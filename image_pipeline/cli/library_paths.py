"""Paths on the command line that name something in the library, from whatever working directory."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from image_pipeline.cli.paths import names_of
from image_pipeline.files.names import from_text, to_text
from image_pipeline.files.open_file import NO_DIRECTORY, LibraryFile, find_below, open_directory

_NOT_THERE = (*NO_DIRECTORY, errno.ENAMETOOLONG)


def picture_of(given: str, library: Path | None) -> Path | LibraryFile:
    """The picture at `given`: in the working directory, or else in the library, by the name that commands print.

    In the library, links are not followed. Raises BadParameter if there is no such file.
    """
    with suppress(OSError, ValueError):
        if not stat.S_ISDIR(os.stat(given).st_mode):
            return Path(given)
        raise click.BadParameter(f"{to_text(given)} is a directory: give the path of a picture", param_hint="--image")
    if library is not None:
        found = next(filter(None, (_file(library, name) for name in names_of(Path(given), library))), None)
        if found is not None:
            return found
    raise click.BadParameter(
        f"{to_text(given)} does not exist in the working directory {to_text(str(Path.cwd()))}"
        + ("" if library is None else f", nor in the library {to_text(str(library))}")
        + ": give the path of a picture, or one that `image-pipeline search` prints",
        param_hint="--image",
    )


def _file(library: Path, name: str) -> LibraryFile | None:
    """The regular file `name` (text) of the library; None if there is none. Raises BadParameter if it is unreadable."""
    try:
        return find_below(library.absolute(), from_text(name))
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise click.BadParameter(
            f"{name} in the library {to_text(str(library))} cannot be opened ({error.strerror}): give a picture that "
            "can be read",
            param_hint="--image",
        ) from error
    except ValueError:  # no file has such a name: it contains a NUL, or what cannot be encoded
        return None


def directory_in_library(given: str, library: Path | None) -> str:
    """The directory that `given` names, as text relative to the library; empty for the library itself.

    It is relative to the library, in the form that commands print, or to the working directory if it begins with `.`
    or is not in the library. Raises BadParameter if it is outside the library.
    """
    is_explicit = given.startswith(os.sep) or given.split("/")[0] in (".", "..")
    on_disk = [] if library is None else list(_relative(Path(given), library))
    printed = [] if is_explicit else [name for name in names_of(Path(given), None) if ".." not in name.split("/")]
    candidates = [*printed, *on_disk]
    if not candidates and given.rstrip("/") == ".":
        return ""
    if not candidates:
        place = "library" if library is None else f"library {to_text(str(library))}"
        raise click.BadParameter(
            f"{to_text(given)} is not in the {place}: give a directory of the library", param_hint="--directory"
        )
    there = next((name for name in candidates if library is not None and _is_directory(library, name)), candidates[0])
    return "" if there == "." else there


def _relative(path: Path, library: Path) -> Iterator[str]:
    absolute = Path(os.path.normpath(path.absolute()))
    for root in (library.absolute(), library.resolve()):
        if absolute.is_relative_to(root):
            yield to_text(str(absolute.relative_to(root)))


def _is_directory(library: Path, name: str) -> bool:
    with suppress(OSError, ValueError), open_directory(library, from_text(name)):
        return True
    return False
