"""A library on disk that a history changes, and what lies in it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from image_pipeline_tests.histories.pool import Content, Pool

T = TypeVar("T")

# every byte but NUL and the slash can stand in a name
DIRECTORY_NAMES = tuple(
    os.fsdecode(name)
    for name in (
        b"trip", b"a b", b"2024", b"it's \"so\"", b"new\nline", b"\xff\xfe raw", b"...", b"[x]", b"a,b", b"-dash",
        "😀 été".encode(), "e\u0301".encode(), b"#1of2", b"%41", b" edge ", b"back\\slash", b"$HOME", b"x.jpg",
        b"n" * 255, b"*?<>|",
    )
)  # fmt: skip
LEFT_OUT = (".hidden.jpg", "._side.jpg", "Thumbs.db", "notes.txt", "movie.mp4")
_KEPT = "kept"
_DEEPEST = 4


@dataclass
class Library:
    """A library. `placed` are all contents that a file of it ever had; `aside` is a folder on the same disk."""

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
        self.write(kept / "kept.bmp", self.pool.readable[0])

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

    def pictures(self) -> list[Path]:
        """The files that are to be in the collection or in quarantine."""
        return [path for path in self.files() if path.name not in LEFT_OUT and path.suffix != ".xmp"]

    def sidecars(self) -> list[Path]:
        """The XMP sidecars; the picture of one may be gone."""
        return [path for path in self.files() if path.suffix == ".xmp"]

    def directory(self, choice: int) -> Path:
        """A directory, or the root."""
        return chosen([self.root, *self.directories()], choice) or self.root

    def new_file(self, directory: Path, ending: str, choice: int) -> Path:
        """A name that no file has yet."""
        self._serial += 1
        return directory / f"{chosen(('a', 'IMG 1', 'é', '-f', 'x,y'), choice)}{self._serial}{ending}"

    def new_directory(self, parent: Path, choice: int) -> Path | None:
        """A name that nothing has yet; None where it is taken, or too deep."""
        path = parent / DIRECTORY_NAMES[choice % len(DIRECTORY_NAMES)]
        too_deep = len(path.relative_to(self.root).parts) > _DEEPEST
        return None if os.path.lexists(path) or too_deep else path

    def write(self, path: Path, content: Content) -> None:
        """Let a file hold a content."""
        self.placed.add(content.sha256)
        path.write_bytes(content.data)

    def told(self, *paths: Path) -> str:
        """Paths, for the log."""
        return " -> ".join(repr(str(path.relative_to(self.root))) for path in paths)


def chosen(of: Sequence[T], choice: int) -> T | None:
    """One of several; None where there is none."""
    return of[choice % len(of)] if of else None
