"""What people and programs do to the files of a library. Each function tells what it did; None: nothing could be."""

import os
import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from image_pipeline_tests.histories.library import LEFT_OUT, Library, chosen
from image_pipeline_tests.histories.operations import Kind, Operation
from image_pipeline_tests.histories.pool import Content, Pool
from image_pipeline_tests.support.tagged import packet

Change = Callable[[Library, Operation], str | None]

_SECOND = 1_000_000_000


def _add(library: Library, op: Operation) -> str:
    content = library.pool.picture(op.second)
    path = library.new_file(library.directory(op.first), content.ending, op.third)
    library.write(path, content)
    return library.told(path)


def _add_broken(library: Library, op: Operation) -> str:
    content = library.pool.wreck(op.second)
    path = library.new_file(library.directory(op.first), content.ending, op.third)
    library.write(path, content)
    return f"{library.told(path)} ({content.reason})"


def _add_left_out(library: Library, op: Operation) -> str | None:
    directory = library.directory(op.first)
    kind = op.second % 4
    path = directory / (f"link{op.third % 3}.jpg" if kind in (1, 2) else LEFT_OUT[op.third % len(LEFT_OUT)])
    if os.path.lexists(path):
        return None
    if kind == 1:
        path.symlink_to(chosen([library.root, *library.pictures()], op.third) or library.root)
    elif kind == 2:
        os.mkfifo(path)
    else:
        path.write_bytes(library.pool.picture(op.third).data)
    return library.told(path)


def _add_slowly(library: Library, op: Operation) -> str:
    content = library.pool.picture(op.second, ".bmp")
    path = library.new_file(library.directory(op.first), content.ending, op.third)
    library.placed.add(content.sha256)
    with path.open("wb") as file:
        for part in range(0, len(content.data), 1 + len(content.data) // 3):
            file.write(content.data[part : part + 1 + len(content.data) // 3])
            file.flush()
            time.sleep(0.05)
    return library.told(path)


def _edit(library: Library, op: Operation) -> str | None:
    found = _edited(library, op)
    return found and library.told(found[0])


def _edit_within_the_second(library: Library, op: Operation) -> str | None:
    found = _edited(library, op)
    if found is None:
        return None
    path, before = found
    second = before.st_mtime_ns // _SECOND * _SECOND
    os.utime(path, ns=(before.st_atime_ns, second + (before.st_mtime_ns + 1) % _SECOND))
    return library.told(path)


def _edit_keeping_times(library: Library, op: Operation) -> str | None:
    found = _edited(library, op)
    if found is None:
        return None
    path, before = found
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return library.told(path)


def _edited(library: Library, op: Operation) -> tuple[Path, os.stat_result] | None:
    """Write other bytes, as many, into a file; gives the file and its status before."""
    editable = [path for path in library.pictures() if path.suffix in (".bmp", ".tif")]
    path = chosen(editable, op.first)
    if path is None:
        return None
    before = path.stat()
    content = chosen(library.pool.others_of_the_same_size(path.read_bytes()), op.second)
    if content is None:
        return None
    library.placed.add(content.sha256)
    with path.open("r+b") as file:
        file.write(content.data)
    return path, before


def _overwrite(content: Callable[[Pool, int], Content], library: Library, op: Operation) -> str | None:
    path = chosen(library.pictures(), op.first)
    if path is None:
        return None
    library.write(path, content(library.pool, op.second))
    return library.told(path)


def _replace(library: Library, op: Operation, keep_mtime: bool = False) -> str | None:
    path = chosen(library.pictures(), op.first)
    if path is None:
        return None
    content = chosen(library.pool.others_of_the_same_size(path.read_bytes()), op.second) or library.pool.picture(
        op.second
    )
    temporary = library.aside / "replacement"
    library.write(temporary, content)
    if keep_mtime:
        os.utime(temporary, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    os.replace(temporary, path)
    return library.told(path)


def _touch(library: Library, op: Operation) -> str | None:
    path = chosen(library.files(), op.first)
    if path is None:
        return None
    path.touch()
    return library.told(path)


def _rename(library: Library, op: Operation) -> str | None:
    path = chosen(library.pictures(), op.first)
    if path is None:
        return None
    target = library.new_file(path.parent, path.suffix, op.second)
    path.rename(target)
    return library.told(path, target)


def _move(library: Library, op: Operation) -> str | None:
    path = chosen(library.pictures(), op.first)
    if path is None:
        return None
    target = library.directory(op.second) / path.name
    if os.path.lexists(target):
        return None
    path.rename(target)
    return library.told(path, target)


def _swap(library: Library, op: Operation) -> str | None:
    one, other = chosen(library.pictures(), op.first), chosen(library.pictures(), op.second)
    if one is None or other is None or one == other:
        return None
    for path in (one, other):  # as if unpacked from one archive
        os.utime(path, ns=(0, 1_700_000_000 * _SECOND))
    exchange(library, one, other)
    return library.told(one, other)


def exchange(library: Library, one: Path, other: Path) -> None:
    one.rename(library.aside / "swapped")
    other.rename(one)
    (library.aside / "swapped").rename(other)


def _add_again(make: Callable[[Path, Path], object], library: Library, op: Operation) -> str | None:
    """Another name for a picture that is there, made by `make`."""
    path = chosen(library.pictures(), op.first)
    if path is None:
        return None
    target = library.new_file(library.directory(op.second), path.suffix, op.third)
    make(path, target)
    return library.told(path, target)


def _delete(library: Library, op: Operation) -> str | None:
    path = chosen(library.files(), op.first)
    if path is None:
        return None
    path.unlink()
    return library.told(path)


def _write_sidecar(library: Library, op: Operation) -> str | None:
    """Give a picture a rating in a sidecar, under its full name or its stem."""
    picture = chosen(library.pictures(), op.first)
    if picture is None:
        return None
    path = picture.with_name((picture.name if op.second % 2 else picture.stem) + ".xmp")
    if len(os.fsencode(path.name)) > 255 or path.is_dir():
        return None
    rating = op.third % 6
    path.write_bytes(packet(xmp_Rating=str(rating)))
    return f"{library.told(path)} ({rating} stars)"


def _delete_sidecar(library: Library, op: Operation) -> str | None:
    path = chosen(library.sidecars(), op.first)
    if path is None:
        return None
    path.unlink()
    return library.told(path)


FILE_CHANGES: dict[Kind, Change] = {
    Kind.ADD: _add,
    Kind.ADD_BROKEN: _add_broken,
    Kind.ADD_LEFT_OUT: _add_left_out,
    Kind.ADD_SLOWLY: _add_slowly,
    Kind.EDIT: _edit,
    Kind.EDIT_WITHIN_THE_SECOND: _edit_within_the_second,
    Kind.EDIT_KEEPING_TIMES: _edit_keeping_times,
    Kind.BREAK: partial(_overwrite, Pool.wreck),
    Kind.MEND: partial(_overwrite, Pool.picture),
    Kind.REPLACE: _replace,
    Kind.REPLACE_BY_ONE_AS_OLD: partial(_replace, keep_mtime=True),
    Kind.TOUCH: _touch,
    Kind.RENAME: _rename,
    Kind.MOVE: _move,
    Kind.SWAP: _swap,
    Kind.COPY: partial(_add_again, shutil.copy2),
    Kind.LINK: partial(_add_again, os.link),
    Kind.DELETE: _delete,
    Kind.WRITE_SIDECAR: _write_sidecar,
    Kind.DELETE_SIDECAR: _delete_sidecar,
}
