"""What people and programs do to the directories of a library. Each tells what it did; None: nothing could be."""

import shutil
import time

from image_pipeline_tests.histories.file_changes import Change, exchange
from image_pipeline_tests.histories.library import Library, chosen
from image_pipeline_tests.histories.operations import Kind, Operation


def _make_directory(library: Library, op: Operation) -> str | None:
    path = library.new_directory(library.directory(op.first), op.second)
    if path is None:
        return None
    path.mkdir()
    content = library.pool.picture(op.third)
    library.write(path / f"first{content.ending}", content)
    return library.told(path)


def _rename_directory(library: Library, op: Operation) -> str | None:
    path = chosen(library.directories(), op.first)
    target = path and library.new_directory(path.parent, op.second)
    if path is None or target is None:
        return None
    path.rename(target)
    return library.told(path, target)


def _move_directory(library: Library, op: Operation) -> str | None:
    path = chosen(library.directories(), op.first)
    parent = library.directory(op.second)
    if path is None or parent.is_relative_to(path):
        return None
    target = library.new_directory(parent, op.third)
    if target is None:
        return None
    path.rename(target)
    return library.told(path, target)


def _swap_directories(library: Library, op: Operation) -> str | None:
    one, other = chosen(library.directories(), op.first), chosen(library.directories(), op.second)
    if one is None or other is None or one.is_relative_to(other) or other.is_relative_to(one):
        return None
    exchange(library, one, other)
    return library.told(one, other)


def _copy_directory(library: Library, op: Operation) -> str | None:
    path = chosen(library.directories(), op.first)
    if path is None or len(library.files()) > 30:
        return None
    target = library.new_directory(library.root, op.second)
    if target is None or target.is_relative_to(path):
        return None
    target.mkdir()
    for file in path.iterdir():
        if file.is_file() and not file.is_symlink():
            shutil.copy2(file, target / file.name)
    return library.told(path, target)


def _empty_directory(library: Library, op: Operation) -> str | None:
    path = chosen(library.directories(), op.first)
    if path is None:
        return None
    for file in path.iterdir():
        if not file.is_dir():
            file.unlink()
    return library.told(path)


def _remove_directory(library: Library, op: Operation) -> str | None:
    path = chosen(library.directories(), op.first)
    if path is None:
        return None
    shutil.rmtree(path)
    return library.told(path)


def _blink_directory(library: Library, op: Operation) -> str | None:
    """Away, and back after a moment: a disk that is unplugged, a program that replaces a folder."""
    path = chosen(library.directories(), op.first)
    if path is None:
        return None
    path.rename(library.aside / "blinked")
    time.sleep(op.second % 100 / 1000)
    (library.aside / "blinked").rename(path)
    return library.told(path)


def _file_becomes_directory(library: Library, op: Operation) -> str | None:
    path = chosen(library.pictures(), op.first)
    if path is None:
        return None
    path.unlink()
    path.mkdir()
    content = library.pool.picture(op.second)
    library.write(path / f"inside{content.ending}", content)
    return library.told(path)


DIRECTORY_CHANGES: dict[Kind, Change] = {
    Kind.MAKE_DIRECTORY: _make_directory,
    Kind.RENAME_DIRECTORY: _rename_directory,
    Kind.MOVE_DIRECTORY: _move_directory,
    Kind.SWAP_DIRECTORIES: _swap_directories,
    Kind.COPY_DIRECTORY: _copy_directory,
    Kind.EMPTY_DIRECTORY: _empty_directory,
    Kind.REMOVE_DIRECTORY: _remove_directory,
    Kind.BLINK_DIRECTORY: _blink_directory,
    Kind.FILE_BECOMES_DIRECTORY: _file_becomes_directory,
}
