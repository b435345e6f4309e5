"""Discovery: the directories of a library, and the image files in one directory.

Symbolic links are ignored, so that a loop, or a link to outside the library, does no harm. FIFOs, sockets and devices
are ignored, too.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from image_pipeline.errors import LibraryError
from image_pipeline.files.names import to_text
from image_pipeline.files.open_file import NO_DIRECTORY, open_directory, open_file, regular
from image_pipeline.files.partition import Partition, directory_text
from image_pipeline.files.rules import (
    OTHER_ENDINGS,
    UNSUPPORTED_IMAGE_ENDINGS,
    ending,
    is_directory_left_out,
    is_left_out,
)
from image_pipeline.files.sidecars import SIDECAR_ENDINGS, sidecars_of
from image_pipeline.files.status import FileStatus, ListedFile, fingerprint, stored_time
from image_pipeline.files.store_mark import NAME as MARK
from image_pipeline.files.store_mark import parse_mark
from image_pipeline.files.unlisted import Unlisted
from image_pipeline.schema.formats import IMAGE_ENDINGS, sniff
from image_pipeline.schema.rows import DiscoveredFile

DISCOVERY_VERSION = "discovery 3"
"""Bump when the rules for leaving out files change, so that directories are listed again."""

_MARK_BYTES = 1 << 16
"""Upper limit for the size of a mark."""

_PICTURE_ENDINGS = IMAGE_ENDINGS | UNSUPPORTED_IMAGE_ENDINGS


@dataclass(frozen=True)
class Discovery:
    """A partition on disk: its image files, and the fingerprint of everything that was listed."""

    files: list[DiscoveredFile]
    fingerprint: str


def check_library(root: Path) -> None:
    """Raises LibraryError if `root` is not a directory that can be listed."""
    try:
        with os.scandir(root):
            return
    except FileNotFoundError as error:
        raise LibraryError(
            f"The library {root} does not exist: set IMAGE_LIBRARY to the folder of photographs, mount it, or, if "
            "it has moved, run `image-pipeline adopt` with its new folder."
        ) from error
    except NotADirectoryError as error:
        raise LibraryError(f"The library {root} is a file: set IMAGE_LIBRARY to the folder of photographs.") from error
    except OSError as error:
        raise LibraryError(
            f"The library {root} cannot be read ({error.strerror}): give the user who runs the pipeline read "
            "permission."
        ) from error


def list_files(root: Path, partition: Partition) -> list[ListedFile]:
    """The files of a partition that may be images, sorted by name; none if its directory is gone.

    A file may be an image if its name has an image's ending, or no ending that indicates another kind. For a directory
    in several parts, only the files of this part are considered. A directory that `walk` skips (hidden, behind a link,
    or in a store) counts as gone. Raises LibraryError if the directory exists but cannot be listed completely: a failed
    listing never counts as an empty directory. Each file has its sidecars.
    """
    check_library(root)
    relative = partition.os_directory
    files: list[ListedFile] = []
    names: list[str] = []
    beside: dict[str, os.DirEntry[str]] = {}
    if relative != "." and any(is_directory_left_out(part) for part in relative.split("/")):
        return files
    try:
        if is_in_store(root, relative):
            return files
        with open_directory(root, relative) as directory, os.scandir(directory) as entries:
            for entry in entries:
                if is_left_out(entry.name):
                    continue
                last = ending(entry.name)
                if last in SIDECAR_ENDINGS:
                    beside[to_text(entry.name)] = entry
                    continue
                name = to_text(entry.name)
                names.append(name)  # a sidecar may belong to a video
                if last in OTHER_ENDINGS:
                    continue
                if partition.parts > 1 and not partition.holds(name):
                    continue
                listed = _stat(entry)
                if listed is not None:
                    files.append(listed)
            if beside:
                files = _with_sidecars(files, names, beside)
    except OSError as error:
        if error.errno in NO_DIRECTORY:
            return []
        raise _cannot_be_listed(root / relative, error) from error
    return sorted(files, key=lambda file: file.name)


def list_each(root: Path, partitions: Iterable[Partition]) -> Iterator[tuple[Partition, list[ListedFile]]]:
    """Each partition with its files, as `list_files` returns them; a directory in several parts is listed only once.

    Raises LibraryError as `list_files` does.
    """
    for directory, group in groupby(partitions, key=lambda partition: partition.directory):
        parts = list(group)
        if len(parts) == 1:
            yield parts[0], list_files(root, parts[0])
            continue
        files = list_files(root, Partition(directory))
        for part in parts:
            yield part, [file for file in files if part.holds(file.name)]


def discover(
    root: Path, partition: Partition, listed: Sequence[ListedFile], known: Mapping[str, DiscoveredFile]
) -> Discovery:
    """The image files among the files that `list_files` returned for a partition, by path.

    The content alone decides the format: the first bytes of each file are read, unless `known` (by path) has the format
    of a file with the same size and times. A file without an image's ending counts only if its content is an image, or
    if it cannot be read, since it may be one.
    """
    found, there = [], []
    for file in listed:
        path = partition.path_of(file.name)
        there.append(file)
        sidecars = tuple(partition.path_of(sidecar.name) for sidecar in file.sidecars)
        before = known.get(path)
        if before is not None and before.format is not None and _is_unchanged(before, file):
            found.append(replace(before, sidecars=sidecars) if sidecars or before.sidecars else before)
            continue
        try:
            with open_file(root, path) as opened:
                image_format = sniff(opened)
        except FileNotFoundError:  # it disappeared since it was listed; if it reappears, the next listing finds it
            there.pop()
            continue
        except OSError:  # hashing will report it as unreadable
            found.append(DiscoveredFile(path, file.size_bytes, file.mtime_ns, file.ctime_ns, None, sidecars))
            continue
        if image_format is not None or ending(file.name) in _PICTURE_ENDINGS:
            found.append(DiscoveredFile(path, file.size_bytes, file.mtime_ns, file.ctime_ns, image_format, sidecars))
    return Discovery(found, fingerprint(there))


def walk_directories(root: Path, unlisted: Unlisted | None = None) -> Iterator[tuple[str, int]]:
    """Every directory of the library, relative to `root` (`.`), for Python's `os` functions, with its mtime in ns.

    A directory comes before its subdirectories. A store can be inside the library through a mount that no path shows;
    it is skipped with everything below it. A directory that cannot be listed is added to `unlisted` and skipped with
    everything below it; LibraryError is raised instead if `unlisted` is None, or if it is the library itself.
    """
    check_library(root)
    library = os.stat(root)
    pending = ["."]
    while pending:
        relative = pending.pop()
        try:
            looked_at = _subdirectories(root, relative)
        except OSError as error:
            if error.errno in NO_DIRECTORY:  # it disappeared since its parent was listed
                continue
            failure = _cannot_be_listed(root / relative, error)
            if unlisted is None or relative == ".":
                raise failure from error
            unlisted.add(directory_text(relative), failure)
            continue
        if looked_at is None:
            continue
        mtime_ns, below = looked_at
        yield relative, mtime_ns
        pending.extend(sorted(below, reverse=True))
    check_library(root)
    if not os.path.samestat(library, os.stat(root)):
        raise LibraryError(f"The library {root} was unmounted or replaced while it was being listed: try again.")


def walk(root: Path, unlisted: Unlisted | None = None) -> Iterator[tuple[str, list[ListedFile]]]:
    """Every directory of the library (text) with its files that may be images; for `unlisted`, see `walk_directories`.

    Raises LibraryError as `walk_directories` does.
    """
    for relative, _ in walk_directories(root, unlisted):
        directory = directory_text(relative)
        try:
            files = list_files(root, Partition(directory))
        except LibraryError as error:
            if unlisted is None or directory == "":
                raise
            check_library(root)
            unlisted.add(directory, error, alone=True)
        else:
            yield directory, files


def _cannot_be_listed(directory: Path, error: OSError) -> LibraryError:
    return LibraryError(
        f"The directory {to_text(str(directory))} cannot be listed ({error.strerror}), so its part of the collection "
        "was left unchanged: make it readable, and run this again."
    )


def _subdirectories(root: Path, relative: str) -> tuple[int, list[str]] | None:
    """The modification time of a directory, in ns, and its subdirectories; None if it is a store in the library."""
    with open_directory(root, relative) as directory, os.scandir(directory) as entries:
        if relative != "." and _is_store(directory):
            return None
        # read before the listing: files that appear during the listing change the time again
        mtime_ns = stored_time(os.fstat(directory).st_mtime_ns)
        return mtime_ns, [
            entry.name if relative == "." else f"{relative}/{entry.name}"
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not is_directory_left_out(entry.name)
        ]


def is_in_store(root: Path, relative: str) -> bool:
    """Whether a directory of the library is a store, or is inside one. Raises OSError as `open_directory` does."""
    parts = [] if relative == "." else relative.split("/")
    for count in range(1, len(parts) + 1):
        with open_directory(root, "/".join(parts[:count])) as directory:
            if _is_store(directory):
                return True
    return False


def _is_store(directory: int) -> bool:
    """Whether a directory, given by its descriptor, has a store's mark."""
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(regular(os.open(MARK, flags, dir_fd=directory)), "rb") as file:
            return parse_mark(file.read(_MARK_BYTES)) is not None
    except OSError:
        return False


def _with_sidecars(
    files: Sequence[ListedFile], names: Sequence[str], beside: "Mapping[str, os.DirEntry[str]]"
) -> list[ListedFile]:
    """The files with their sidecars among the entries `beside`; `names` are those of the whole directory."""
    sidecars = sidecars_of(names, beside)
    listed = {name: _stat(beside[name]) for name in {one for file in files for one in sidecars.get(file.name, ())}}

    def of(file: ListedFile) -> tuple[ListedFile, ...]:
        there = (listed[name] for name in sidecars[file.name])
        return tuple(sidecar for sidecar in there if sidecar is not None)

    return [replace(file, sidecars=of(file)) if file.name in sidecars else file for file in files]


def _stat(entry: "os.DirEntry[str]") -> ListedFile | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # it disappeared while the directory was listed
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return ListedFile(to_text(entry.name), **vars(FileStatus.of(status)))


def _is_unchanged(before: DiscoveredFile, file: ListedFile) -> bool:
    return FileStatus.noted(before) == FileStatus.noted(file)
