"""Claims on files and directories of the store that are in the making: held by a process for as long as it lives.

A claim is a lock (`flock`) that the kernel gives back when its holder ends, however it ends. What is claimed by nobody
was left by a process that was killed, and may be deleted.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_CLAIM = ".claim"

_held: dict[Path, int] = {}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` at the end of the block, in one step; not where the block raises.

    What killed processes left beside `path` is deleted. Raises OSError where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name[-100:]}."
    for left in path.parent.glob(f"{_escaped(prefix)}*.tmp"):
        _delete_unless_claimed(left, left)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=".tmp")
    try:
        with open(descriptor, "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def claim_directory(directory: Path) -> None:
    """Make a directory, and claim it for this process. Raises OSError where it cannot be made, or is claimed."""
    directory.mkdir(parents=True, exist_ok=True)
    if directory not in _held:
        descriptor = os.open(directory / _CLAIM, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        _held[directory] = descriptor


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


def _escaped(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)
