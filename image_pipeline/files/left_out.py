"""Files that are left out of the collection: why a file of the library is not ingested."""

import stat
from pathlib import Path

from image_pipeline.files.discovery import is_in_store
from image_pipeline.files.names import from_text, to_text
from image_pipeline.files.open_file import open_file
from image_pipeline.files.rules import (
    OTHER_ENDINGS,
    SIDE_FILES,
    UNSUPPORTED_IMAGE_ENDINGS,
    ending,
    is_directory_left_out,
    is_left_out,
)
from image_pipeline.files.sidecars import SIDECAR_ENDINGS
from image_pipeline.schema.formats import IMAGE_ENDINGS, sniff


def why_left_out(root: Path, path: str) -> str | None:
    """Why `discover` leaves out the existing file `path` (text, relative to the library `root`), and what to do.

    A clause, such as "it is not a regular file: give the path of a picture"; None if the file is ingested. Raises
    OSError if its directory cannot be read, or if it no longer exists.
    """
    *directories, name = from_text(path).split("/")
    for depth, directory in enumerate(directories, start=1):
        above = "/".join(directories[:depth])
        if is_directory_left_out(directory):
            return (
                f"the directory {to_text(above)} is hidden, or a recycle bin or a cache: move the file to another one"
            )
        if (root / above).is_symlink():
            return f"{to_text(above)} is a symbolic link, which is not followed: give the path without the link"
    if is_in_store(root, "/".join(directories) or "."):
        return "it is in a store, which holds files of this program: move it to another directory"
    mode = (root / from_text(path)).lstat().st_mode
    if stat.S_ISLNK(mode):
        return "it is a symbolic link, which is not followed: give the path of the file that it leads to"
    if not stat.S_ISREG(mode):
        return "it is not a regular file: give the path of a picture"
    return _why_name_is_left_out(name) or _why_content_is_left_out(root, path, name)


def _why_name_is_left_out(name: str) -> str | None:
    if name.startswith("."):
        return "its name begins with a dot, and hidden files are left out: rename it"
    if name.lower() in SIDE_FILES:
        return "it is a side file of a system or a program: give the path of a picture"
    if is_left_out(name):
        return "its name is that of a backup (`*~` or `*_original`): rename it"
    if ending(name) in SIDECAR_ENDINGS:
        return "it describes the photographs that it is named after: give the path of one of them"
    if ending(name) in OTHER_ENDINGS:
        return f"files that end in {ending(name)} are not pictures: rename it if it is one"
    return None


def _why_content_is_left_out(root: Path, path: str, name: str) -> str | None:
    if ending(name) in IMAGE_ENDINGS | UNSUPPORTED_IMAGE_ENDINGS:
        return None
    try:
        with open_file(root, path) as opened:
            is_picture = sniff(opened) is not None
    except OSError:  # hashing will report it as unreadable
        return None
    return None if is_picture else "neither its ending nor its content is that of a picture: convert it if it is one"
