"""Claims: locks on files and directories that a process is still writing.

A claim is a lock (`flock`) that the kernel releases when its holder ends, however it ends. A claimed file or directory
whose claim is no longer held was left by a killed process, and may be deleted. Only such files are deleted, only if
their names match, and never through a link. Anything else in the same folders belongs to somebody else.
"""

import errno
import fcntl
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

CLAIM = ".claim"
"""The file in a directory of tensors that the claiming process locks."""

MAKING = ".making"
"""The folder for unfinished files, which later replace files beside the folder."""

TENSORS = r"\d+x\d+-[a-z0-9-]+\.npy"
"""The pattern of the names of tensor files: see `InputSpec`."""

_TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}")  # as Python's `tempfile` calls it
_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAKER = re.compile(rf"{_RUN.pattern}-\d+")
_ATTEMPTS = 20
_RETRY_SECONDS = 0.01

_held: dict[Path, int] = {}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that replaces `path` in one step at the end of the block, or not at all if the block raises.

    The file is written in a separate folder beside `path`, so that the leftovers of killed processes, which are deleted
    here, can be found without listing all the finished files. It is not synced to the disk: for a small table, that
    would take longer than everything else, and a file damaged by a power cut is detected by its checksums. Raises
    OSError if it cannot be written.
    """
    making = path.parent / MAKING
    making.mkdir(parents=True, exist_ok=True)
    delete_unfinished(path.parent)
    descriptor, temporary = _claimed_file(making)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def claim_directory(directory: Path) -> None:
    """Create a directory and claim it for this process. Raises OSError if that fails, or if it is already claimed."""
    for _ in range(_ATTEMPTS):
        if directory in _held:
            return
        directory.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another process found it unclaimed and deleted it
            descriptor = os.open(directory / CLAIM, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_nlink:
                    _held[directory] = descriptor
                    return
            except BlockingIOError:
                time.sleep(_RETRY_SECONDS)
            os.close(descriptor)
    raise BlockingIOError(errno.EWOULDBLOCK, "is claimed by another process")


def give_up_directory(directory: Path) -> None:
    """Delete a directory that this process has claimed, with its tensors; do nothing if it has not claimed it."""
    descriptor = _held.pop(directory, None)
    if descriptor is not None:
        _delete_claimed(directory)
        os.close(descriptor)


def delete_unclaimed(parent: Path) -> None:
    """Delete the directories in `parent` whose claims are no longer held, with their tensors.

    `parent` is deleted too if nothing is left in it. Directories that were never claimed stay.
    """
    if parent.is_symlink():
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        for directory in parent.iterdir():
            if directory not in _held and not directory.is_symlink():
                with _unclaimed(directory / CLAIM) as is_unclaimed:
                    if is_unclaimed:
                        _delete_claimed(directory)
                    elif _MAKER.fullmatch(directory.name):  # in use, or empty: its process was killed before the claim
                        with suppress(OSError):
                            directory.rmdir()
    with suppress(OSError):
        parent.rmdir()


def _delete_claimed(directory: Path) -> None:
    """Delete the tensors in a directory, then the directory and its claim if nothing else is left in it."""
    with suppress(OSError):
        for file in list(directory.iterdir()):
            if re.fullmatch(TENSORS, file.name) and _is_plain_file(file):
                file.unlink(missing_ok=True)
        (directory / CLAIM).unlink(missing_ok=True)
        directory.rmdir()


@contextmanager
def claiming(file: Path) -> Iterator[None]:
    """Create `file`, claimed by this process, for the length of the block; if that fails, the block runs without it."""
    descriptor = None
    with suppress(OSError):
        making = file.parent / MAKING
        making.mkdir(parents=True, exist_ok=True)
        delete_unfinished(file.parent)
        descriptor, temporary = _claimed_file(making)
        os.replace(temporary, file)  # it is already claimed when others first see it
    try:
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                file.unlink()
            os.close(descriptor)


def unclaimed_runs(directory: Path) -> list[Path]:
    """The files of runs in `directory` whose claims are no longer held: their processes were killed."""
    return [file for file, is_unclaimed in _runs(directory) if is_unclaimed]


def claimed_runs(directory: Path) -> list[Path]:
    """The files of runs in `directory` that are in progress."""
    return [file for file, is_unclaimed in _runs(directory) if not is_unclaimed and file.exists()]


def _runs(directory: Path) -> Iterator[tuple[Path, bool]]:
    with suppress(FileNotFoundError, NotADirectoryError):
        for file in directory.iterdir():
            if _RUN.fullmatch(file.name) and _is_plain_file(file):
                with _unclaimed(file) as is_unclaimed:
                    yield file, is_unclaimed


def delete_unfinished(directory: Path) -> None:
    """Delete the unfinished files that killed processes have left in `directory` (see `replacing`)."""
    making = directory / MAKING
    if making.is_symlink():
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        for left in making.iterdir():
            if _TEMPORARY.fullmatch(left.name):
                with _unclaimed(left) as is_unclaimed:
                    if is_unclaimed:
                        left.unlink(missing_ok=True)


def _claimed_file(directory: Path) -> tuple[int, str]:
    while True:
        descriptor, name = tempfile.mkstemp(dir=directory)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, name
        os.close(descriptor)  # another process found it unclaimed and deleted it


@contextmanager
def _unclaimed(file: Path) -> Iterator[bool]:
    """Whether `file` is a regular file whose claim is no longer held.

    If so, this process claims it for the length of the block.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # it does not exist (any more), or belongs to another user
        yield False
        return
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            yield False
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _is_plain_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
