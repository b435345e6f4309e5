"""Claims on files and directories of the store that are in the making: held by a process for as long as it lives.

A claim is a lock (`flock`) that the kernel gives back when its holder ends, however it ends. What was claimed, and is
by nobody now, was left by a process that was killed, and may be deleted: only so, by its name, and never through a
link. Whatever else lies in the same folders is somebody else's.
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
"""The file in a directory of tensors that its process holds a lock of."""

MAKING = ".making"
"""The folder of what is to replace files beside it."""

TENSORS = r"\d+x\d+-[a-z0-9-]+\.npy"
"""The form of the names of tensor files: see `InputSpec`."""

_TEMPORARY = re.compile(r"tmp[a-z0-9_]{8}")  # as Python's `tempfile` calls it
_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAKER = re.compile(rf"{_RUN.pattern}-\d+")
_ATTEMPTS = 20
_RETRY_SECONDS = 0.01

_held: dict[Path, int] = {}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` at the end of the block, in one step; not where the block raises.

    It is made in a folder of its own beside `path`, so that what killed processes have left, which is deleted here, is
    found without a look at all that is whole. It is not forced to the disk: to wait for that takes longer than all the
    rest of a small table, and one that a power cut spoilt is found by its checksums. Raises OSError where it cannot be
    written.
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
    """Make a directory, and claim it for this process. Raises OSError where it cannot be made, or is claimed."""
    for _ in range(_ATTEMPTS):
        if directory in _held:
            return
        directory.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another process found it before it was claimed, and deleted it
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
    """Delete a directory that this process has claimed, with its tensors; nothing where it has not."""
    descriptor = _held.pop(directory, None)
    if descriptor is not None:
        _delete_claimed(directory)
        os.close(descriptor)


def delete_unclaimed(parent: Path) -> None:
    """Delete the directories in `parent` that were claimed, and are by nobody now, with their tensors.

    `parent` goes itself if nothing is left in it. A directory that was never claimed stays as it is.
    """
    if parent.is_symlink():
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        for directory in parent.iterdir():
            if directory not in _held and not directory.is_symlink():
                with _unclaimed(directory / CLAIM) as is_unclaimed:
                    if is_unclaimed:
                        _delete_claimed(directory)
                    elif _MAKER.fullmatch(directory.name):  # its process was killed before the claim, or has it
                        with suppress(OSError):
                            directory.rmdir()
    with suppress(OSError):
        parent.rmdir()


def _delete_claimed(directory: Path) -> None:
    """Delete the tensors of a directory, and the directory with its claim if nothing else is left in it."""
    with suppress(OSError):
        for file in list(directory.iterdir()):
            if re.fullmatch(TENSORS, file.name) and _is_plain_file(file):
                file.unlink(missing_ok=True)
        (directory / CLAIM).unlink(missing_ok=True)
        directory.rmdir()


@contextmanager
def claiming(file: Path) -> Iterator[None]:
    """Make `file`, claimed by this process, for the length of the block; the block goes without where it cannot be."""
    descriptor = None
    with suppress(OSError):
        making = file.parent / MAKING
        making.mkdir(parents=True, exist_ok=True)
        delete_unfinished(file.parent)
        descriptor, temporary = _claimed_file(making)
        os.replace(temporary, file)  # it is claimed before anybody sees it
    try:
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                file.unlink()
            os.close(descriptor)


def unclaimed_runs(directory: Path) -> list[Path]:
    """The files of runs in `directory` whose claiming block was never left: their process was killed."""
    return [file for file, is_unclaimed in _runs(directory) if is_unclaimed]


def claimed_runs(directory: Path) -> list[Path]:
    """The files of runs in `directory` that are under way."""
    return [file for file, is_unclaimed in _runs(directory) if not is_unclaimed and file.exists()]


def _runs(directory: Path) -> Iterator[tuple[Path, bool]]:
    with suppress(FileNotFoundError, NotADirectoryError):
        for file in directory.iterdir():
            if _RUN.fullmatch(file.name) and _is_plain_file(file):
                with _unclaimed(file) as is_unclaimed:
                    yield file, is_unclaimed


def delete_unfinished(directory: Path) -> None:
    """Delete what killed processes have left of files that were to be `replacing` others in `directory`."""
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
        os.close(descriptor)  # another process found it before it was claimed, and deleted it


@contextmanager
def _unclaimed(file: Path) -> Iterator[bool]:
    """Whether `file` is there, is a file and no link, and was claimed once, but is not now: for the length of the
    block it is claimed by this process then."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # it was never there, it went, or it is another user's
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
