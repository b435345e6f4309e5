"""Claims on files and directories of the store that are in the making: held by a process for as long as it lives.

A claim is a lock (`flock`) that the kernel gives back when its holder ends, however it ends. What is claimed by nobody
was left by a process that was killed, and may be deleted.
"""

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_CLAIM = ".claim"
_MAKING = ".making"
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
    making = path.parent / _MAKING
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
            descriptor = os.open(directory / _CLAIM, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
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
    """Delete a directory that this process has claimed; nothing where it has not."""
    descriptor = _held.pop(directory, None)
    if descriptor is not None:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def delete_unclaimed(parent: Path) -> None:
    """Delete the directories in `parent` that nobody has a claim to, and `parent` itself where nothing is left."""
    with suppress(FileNotFoundError):
        for directory in parent.iterdir():
            if directory not in _held:
                _delete_unless_claimed(directory / _CLAIM, directory)
    with suppress(OSError):
        parent.rmdir()


@contextmanager
def claiming(file: Path) -> Iterator[None]:
    """Make `file`, claimed by this process, for the length of the block; the block goes without where it cannot be."""
    descriptor = None
    with suppress(OSError):
        making = file.parent / _MAKING
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


def unclaimed_files(directory: Path) -> list[Path]:
    """The files in `directory` whose claiming block was never left: their process was killed."""
    with suppress(FileNotFoundError):
        return [file for file in directory.iterdir() if file.name != _MAKING and not _is_claimed(file)]
    return []


def delete_unfinished(directory: Path) -> None:
    """Delete what killed processes have left of files that were to be `replacing` others in `directory`."""
    with suppress(FileNotFoundError):
        for left in (directory / _MAKING).iterdir():
            _delete_unless_claimed(left, left)


def _claimed_file(directory: Path) -> tuple[int, str]:
    while True:
        descriptor, name = tempfile.mkstemp(dir=directory)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, name
        os.close(descriptor)  # another process found it before it was claimed, and deleted it


def _is_claimed(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # given up, and deleted, by now
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _delete_unless_claimed(claim: Path, what: Path) -> None:
    try:
        descriptor = os.open(claim, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError:  # it went, or is another's
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    else:
        if what.is_dir():
            shutil.rmtree(what, ignore_errors=True)
        else:
            what.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
