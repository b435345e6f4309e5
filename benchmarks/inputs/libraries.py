"""Libraries of photographs in directories."""

import os
import shutil
from functools import partial
from pathlib import Path

from benchmarks.inputs.cache import cache_folder, made_once
from benchmarks.inputs.photographs import Kind, photographs


def library(kind: Kind, files: int, directories: int = 1) -> Path:
    """A library of `files` photographs of one kind, spread over `directories` directories.

    The files are hard links to those of `photographs`, so creating a library changes the ctime of files in others.
    """
    name = f"{kind}-{files}-in-{directories}"
    return made_once(cache_folder() / "libraries" / name, partial(_link, photographs(kind, files), directories))


def own_library(kind: Kind, files: int, folder: Path) -> Path:
    """A library of copies in one directory of `folder`, for cases that depend on the times of files."""
    directory = folder / "directory-0000"
    directory.mkdir(parents=True)
    for photograph in photographs(kind, files):
        shutil.copyfile(photograph, directory / photograph.name)
    return folder


def files_of(library: Path) -> list[Path]:
    """The files of a library, in order."""
    return sorted(path for path in library.rglob("*") if path.is_file())


def _link(files: list[Path], directories: int, path: Path) -> None:
    for number in range(directories):
        (path / f"directory-{number:04d}").mkdir(parents=True)
    for number, file in enumerate(files):
        os.link(file, path / f"directory-{number % directories:04d}" / file.name)
