"""What people and programs do to a library: files and directories come, change, move and go."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, auto
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st

from image_pipeline_tests.histories.pool import Content, Pool

T = TypeVar("T")

# every byte but NUL and the slash can stand in a name
_NAMES = tuple(
    os.fsdecode(name)
    for name in (
        b"trip", b"a b", b"2024", b"it's \"so\"", b"new\nline", b"\xff\xfe raw", b"...", b"[x]", b"a,b", b"-dash",
        "😀 été".encode(), "e\u0301".encode(), b"#1of2", b"%41", b" edge ", b"back\\slash", b"$HOME", b"x.jpg",
        b"n" * 255, b"*?<>|",
    )
)  # fmt: skip
_LEFT_OUT = (".hidden.jpg", "._side.jpg", "Thumbs.db", "notes.txt", "movie.mp4")
_KEPT = "kept"
_SECOND = 1_000_000_000


class Kind(StrEnum):
    """A kind of change."""

    ADD = auto()
    ADD_COPY = auto()
    ADD_BROKEN = auto()
    ADD_LEFT_OUT = auto()
    ADD_SLOWLY = auto()
    EDIT = auto()
    EDIT_WITHIN_THE_SECOND = auto()
    EDIT_KEEPING_TIMES = auto()
    BREAK = auto()
    MEND = auto()
    REPLACE = auto()
    REPLACE_BY_ONE_AS_OLD = auto()
    TOUCH = auto()
    RENAME = auto()
    MOVE = auto()
    SWAP = auto()
    COPY = auto()
    LINK = auto()
    DELETE = auto()
    MAKE_DIRECTORY = auto()
    RENAME_DIRECTORY = auto()
    MOVE_DIRECTORY = auto()
    SWAP_DIRECTORIES = auto()
    COPY_DIRECTORY = auto()
    EMPTY_DIRECTORY = auto()
    REMOVE_DIRECTORY = auto()
    BLINK_DIRECTORY = auto()
    FILE_BECOMES_DIRECTORY = auto()


@dataclass(frozen=True)
class Operation:
    """A change; `first`, `second` and `third` choose, of what is there when it is made, what it is made to."""

    kind: Kind
    first: int
    second: int
    third: int


_choices = st.integers(0, 9999)
operations = st.builds(Operation, st.sampled_from(Kind), _choices, _choices, _choices)


@dataclass
class Library:
    """A library on disk and what is done to it. `placed` are all contents that a file of it ever had."""

    root: Path
    pool: Pool
    aside: Path
    placed: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    _serial: int = 0

    def __post_init__(self) -> None:
        self.aside.mkdir(parents=True)
        kept = self.root / _KEPT
        kept.mkdir(parents=True)
        # a library is never all empty: that is taken for a disk that is not mounted
        self._write(kept / "kept.png", self._of(".png", 0))

    def apply(self, operation: Operation) -> None:
        """Make a change; nothing where there is nothing that it could be made to."""
        action: Callable[[Operation], str | None] = getattr(self, f"_{operation.kind}")
        told = action(operation)
        if told is not None:
            self.log.append(f"{operation.kind}: {told}")

    def fill(self, count: int) -> None:
        """Add files in a few directories, to begin with."""
        for number in range(count):
            self.apply(Operation(Kind.MAKE_DIRECTORY, number * 7, number * 3, 0))
            self.apply(Operation(Kind.ADD, number * 5, number * 11, number))

    def directories(self) -> list[Path]:
        """The directories but the root and the kept one, those within others behind them."""
        found = [Path(where) for where, _, _ in os.walk(self.root)]
        return sorted(path for path in found if path != self.root and path.name != _KEPT)

    def files(self) -> list[Path]:
        """The regular files that are not kept."""
        return sorted(
            Path(where, name)
            for where, _, names in os.walk(self.root)
            for name in names
            if Path(where).name != _KEPT and Path(where, name).is_file() and not Path(where, name).is_symlink()
        )

    def _pictures(self) -> list[Path]:
        return [path for path in self.files() if path.name not in _LEFT_OUT]

    def _directory(self, choice: int) -> Path:
        return _chosen([self.root, *self.directories()], choice) or self.root

    def _new_file(self, directory: Path, ending: str, choice: int) -> Path:
        self._serial += 1
        return directory / f"{_chosen(('a', 'IMG 1', 'é', '-f', 'x,y'), choice)}{self._serial}{ending}"

    def _new_directory(self, parent: Path, choice: int) -> Path | None:
        path = parent / _NAMES[choice % len(_NAMES)]
        too_deep = len(path.relative_to(self.root).parts) > 4
        return None if os.path.lexists(path) or too_deep else path

    def _write(self, path: Path, content: Content) -> None:
        self.placed.add(content.sha256)
        path.write_bytes(content.data)

    def _of(self, ending: str, choice: int) -> Content:
        return [content for content in self.pool.readable if content.ending == ending][choice]

    def _told(self, *paths: Path) -> str:
        return " -> ".join(repr(str(path.relative_to(self.root))) for path in paths)

    def _add(self, op: Operation) -> str:
        content = self.pool.readable[op.second % len(self.pool.readable)]
        path = self._new_file(self._directory(op.first), content.ending, op.third)
        self._write(path, content)
        return self._told(path)

    def _add_copy(self, op: Operation) -> str | None:
        return self._copy(op)

    def _add_broken(self, op: Operation) -> str:
        content = self.pool.broken[op.second % len(self.pool.broken)]
        path = self._new_file(self._directory(op.first), content.ending, op.third)
        self._write(path, content)
        return f"{self._told(path)} ({content.reason})"

    def _add_left_out(self, op: Operation) -> str | None:
        directory = self._directory(op.first)
        kind = op.second % 4
        path = directory / (f"link{op.third % 3}.jpg" if kind in (1, 2) else _LEFT_OUT[op.third % len(_LEFT_OUT)])
        if os.path.lexists(path):
            return None
        if kind == 1:
            path.symlink_to(_chosen([self.root, *self._pictures()], op.third) or self.root)
        elif kind == 2:
            os.mkfifo(path)
        else:
            path.write_bytes(self.pool.readable[op.third % len(self.pool.readable)].data)
        return self._told(path)

    def _add_slowly(self, op: Operation) -> str:
        content = self._of(".bmp", op.second % 12)
        path = self._new_file(self._directory(op.first), content.ending, op.third)
        self.placed.add(content.sha256)
        with path.open("wb") as file:
            for part in range(0, len(content.data), 1 + len(content.data) // 3):
                file.write(content.data[part : part + 1 + len(content.data) // 3])
                file.flush()
                time.sleep(0.05)
        return self._told(path)

    def _edit(self, op: Operation) -> str | None:
        found = self._edited(op)
        return found and self._told(found[0])

    def _edit_within_the_second(self, op: Operation) -> str | None:
        found = self._edited(op)
        if found is None:
            return None
        path, before = found
        second = before.st_mtime_ns // _SECOND * _SECOND
        os.utime(path, ns=(before.st_atime_ns, second + (before.st_mtime_ns + 1) % _SECOND))
        return self._told(path)

    def _edit_keeping_times(self, op: Operation) -> str | None:
        found = self._edited(op)
        if found is None:
            return None
        path, before = found
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return self._told(path)

    def _edited(self, op: Operation) -> tuple[Path, os.stat_result] | None:
        """Write other bytes, as many, into a file; gives the file and its status before."""
        editable = [path for path in self._pictures() if path.suffix in (".bmp", ".tif")]
        path = _chosen(editable, op.first)
        if path is None:
            return None
        before = path.stat()
        content = _chosen(self.pool.others_of_the_same_size(path.read_bytes()), op.second)
        if content is None:
            return None
        self.placed.add(content.sha256)
        with path.open("r+b") as file:
            file.write(content.data)
        return path, before

    def _break(self, op: Operation) -> str | None:
        path = _chosen(self._pictures(), op.first)
        if path is None:
            return None
        self._write(path, _chosen(self.pool.broken, op.second))
        return self._told(path)

    def _mend(self, op: Operation) -> str | None:
        path = _chosen(self._pictures(), op.first)
        if path is None:
            return None
        self._write(path, _chosen(self.pool.readable, op.second))
        return self._told(path)

    def _replace(self, op: Operation) -> str | None:
        return self._replaced(op, keep_mtime=False)

    def _replace_by_one_as_old(self, op: Operation) -> str | None:
        return self._replaced(op, keep_mtime=True)

    def _replaced(self, op: Operation, keep_mtime: bool) -> str | None:
        path = _chosen(self._pictures(), op.first)
        if path is None:
            return None
        content = _chosen(self.pool.others_of_the_same_size(path.read_bytes()) or self.pool.readable, op.second)
        temporary = self.aside / "replacement"
        self._write(temporary, content)
        if keep_mtime:
            os.utime(temporary, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        os.replace(temporary, path)
        return self._told(path)

    def _touch(self, op: Operation) -> str | None:
        path = _chosen(self.files(), op.first)
        if path is None:
            return None
        path.touch()
        return self._told(path)

    def _rename(self, op: Operation) -> str | None:
        path = _chosen(self._pictures(), op.first)
        if path is None:
            return None
        target = self._new_file(path.parent, path.suffix, op.second)
        path.rename(target)
        return self._told(path, target)

    def _move(self, op: Operation) -> str | None:
        path = _chosen(self._pictures(), op.first)
        if path is None:
            return None
        target = self._directory(op.second) / path.name
        if os.path.lexists(target):
            return None
        path.rename(target)
        return self._told(path, target)

    def _swap(self, op: Operation) -> str | None:
        one, other = _chosen(self._pictures(), op.first), _chosen(self._pictures(), op.second)
        if one is None or other is None or one == other:
            return None
        for path in (one, other):  # as if unpacked from one archive
            os.utime(path, ns=(0, 1_700_000_000 * _SECOND))
        self._exchange(one, other)
        return self._told(one, other)

    def _exchange(self, one: Path, other: Path) -> None:
        one.rename(self.aside / "swapped")
        other.rename(one)
        (self.aside / "swapped").rename(other)

    def _copy(self, op: Operation) -> str | None:
        path = _chosen(self._pictures(), op.first)
        if path is None:
            return None
        target = self._new_file(self._directory(op.second), path.suffix, op.third)
        shutil.copy2(path, target)
        return self._told(path, target)

    def _link(self, op: Operation) -> str | None:
        path = _chosen(self._pictures(), op.first)
        if path is None:
            return None
        target = self._new_file(self._directory(op.second), path.suffix, op.third)
        os.link(path, target)
        return self._told(path, target)

    def _delete(self, op: Operation) -> str | None:
        path = _chosen(self.files(), op.first)
        if path is None:
            return None
        path.unlink()
        return self._told(path)

    def _make_directory(self, op: Operation) -> str | None:
        path = self._new_directory(self._directory(op.first), op.second)
        if path is None:
            return None
        path.mkdir()
        content = self.pool.readable[op.third % len(self.pool.readable)]
        self._write(path / f"first{content.ending}", content)
        return self._told(path)

    def _rename_directory(self, op: Operation) -> str | None:
        path = _chosen(self.directories(), op.first)
        target = path and self._new_directory(path.parent, op.second)
        if path is None or target is None:
            return None
        path.rename(target)
        return self._told(path, target)

    def _move_directory(self, op: Operation) -> str | None:
        path = _chosen(self.directories(), op.first)
        parent = self._directory(op.second)
        if path is None or parent.is_relative_to(path):
            return None
        target = self._new_directory(parent, op.third)
        if target is None:
            return None
        path.rename(target)
        return self._told(path, target)

    def _swap_directories(self, op: Operation) -> str | None:
        one, other = _chosen(self.directories(), op.first), _chosen(self.directories(), op.second)
        if one is None or other is None or one.is_relative_to(other) or other.is_relative_to(one):
            return None
        self._exchange(one, other)
        return self._told(one, other)

    def _copy_directory(self, op: Operation) -> str | None:
        path = _chosen(self.directories(), op.first)
        if path is None or len(self.files()) > 30:
            return None
        target = self._new_directory(self.root, op.second)
        if target is None or target.is_relative_to(path):
            return None
        target.mkdir()
        for file in path.iterdir():
            if file.is_file() and not file.is_symlink():
                shutil.copy2(file, target / file.name)
        return self._told(path, target)

    def _empty_directory(self, op: Operation) -> str | None:
        path = _chosen(self.directories(), op.first)
        if path is None:
            return None
        for file in path.iterdir():
            if not file.is_dir():
                file.unlink()
        return self._told(path)

    def _remove_directory(self, op: Operation) -> str | None:
        path = _chosen(self.directories(), op.first)
        if path is None:
            return None
        shutil.rmtree(path)
        return self._told(path)

    def _blink_directory(self, op: Operation) -> str | None:
        """Away, and back after a moment: a disk that is unplugged, a program that replaces a folder."""
        path = _chosen(self.directories(), op.first)
        if path is None:
            return None
        path.rename(self.aside / "blinked")
        time.sleep(op.second % 100 / 1000)
        (self.aside / "blinked").rename(path)
        return self._told(path)

    def _file_becomes_directory(self, op: Operation) -> str | None:
        path = _chosen(self._pictures(), op.first)
        if path is None:
            return None
        path.unlink()
        path.mkdir()
        content = self.pool.readable[op.second % len(self.pool.readable)]
        self._write(path / f"inside{content.ending}", content)
        return self._told(path)


def _chosen(of: Sequence[T], choice: int) -> T | None:
    return of[choice % len(of)] if of else None
