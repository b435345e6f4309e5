"""What in a folder is the store's own: told by its place, its name and, where there is no mark, by what it holds.

It is what `forget` deletes and `rescue` moves. Whatever is not named here is somebody else's.
"""

import json
import os
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.storage.claims import CLAIM, TENSORS
from image_pipeline.storage.mark import NAME as MARK
from image_pipeline.storage.mark import read_mark
from image_pipeline.storage.stage import Stage

FILE_STEM = r"[A-Za-z0-9_.-]*-[0-9a-f]{16}"
"""The form of what `file_stem` gives."""

_NOTE = b"image_pipeline.note"
_DAGSTER_HEADER = b"# Dagster's own settings. The pipeline's are environment variables"
_TAIL_BYTES = 1 << 16
_HEX = "[0-9a-f]"
_RUN = rf"{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_STAGES = "|".join(Stage)
_UNFINISHED = r"\.making/tmp[a-z0-9_]{8}"
_DAGSTER = r"(dagster|\.dagster\.new)"
_DATABASE = r"(-wal|-shm|-journal)?"

_LOCK = r"(qdrant|index|device|dagster|partitions)\.lock"

_LEDGER = {
    "library": {"root"},
    "partition": {"key", "fingerprint", "files", "indexed", "quarantined", "collection", "recipe", "run_id"},
    "quarantine": {"partition_key", "path", "sha256", "reason", "message"},
}
_CACHE = {"content": {"producer", "sha256", "value"}}


@dataclass(frozen=True)
class Contents:
    """What is in a folder, relative to it.

    `files` and `directories` (each after what is in it) are the store's own, `others` are not: of a directory that is
    not, only itself is told. `size_bytes` is the size of `files`.
    """

    files: tuple[Path, ...]
    directories: tuple[Path, ...]
    others: tuple[Path, ...]
    size_bytes: int

    def by_name(self) -> dict[str, list[Path]]:
        """The files of each entry of the folder."""
        names: dict[str, list[Path]] = {}
        for file in self.files:
            names.setdefault(file.parts[0], []).append(file)
        return names


def contents(home: Path, is_marked: bool) -> Contents:
    """What is in the folder `home`; links are not followed, and are not the store's.

    In a store (`is_marked`), place and name tell what is its own. Elsewhere a person may have a file of such a name,
    so that it counts only if it holds what the pipeline writes. Raises OSError where a folder cannot be listed.
    """
    return _Reader(home, is_marked).read()


def unfinished_records(folder: Path) -> Contents:
    """What is in a folder in which Dagster's own was to be made. Raises OSError where it cannot be listed."""
    return _Reader(folder, is_marked=False, within="dagster").read()


def is_unmarked_store(home: Path) -> bool:
    """Whether the folder `home` is a store that was made before stores had marks, or what is left of one."""
    if is_ledger(home / "ledger.sqlite") or _is_cache(home / "cache" / "content.sqlite"):
        return True
    if any(not _may_be_top(entry.name) for entry in home.iterdir()):
        return False
    found = contents(home, is_marked=False)
    return bool(found.files) and not found.others


def is_ledger(file: Path) -> bool:
    """Whether a file is a store's ledger, by its tables and their columns."""
    return _has_tables(file, _LEDGER)


def _is_cache(file: Path) -> bool:
    return _has_tables(file, _CACHE)


@dataclass(frozen=True)
class _Kind:
    """Files of the store: their paths, and how one is told from a stranger's of the same name."""

    pattern: re.Pattern[str]
    is_ours: Callable[[Path], bool]


def _kind(pattern: str, is_ours: Callable[[Path], bool] = lambda file: True) -> _Kind:
    return _Kind(re.compile(pattern, re.DOTALL), is_ours)


def _has_tables(file: Path, tables: dict[str, set[str]]) -> bool:
    if not _is_plain(file):
        return False
    # immutable: nothing is written beside a file that may be somebody else's
    address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            for table, columns in tables.items():
                if not columns <= {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}:
                    return False
    except sqlite3.Error:
        return False
    return True


def _is_database(tables: dict[str, set[str]]) -> Callable[[Path], bool]:
    """For a database, and for the files that SQLite keeps beside it."""

    def is_ours(file: Path) -> bool:
        name = re.sub(f"{_DATABASE}$", "", file.name)
        return _has_tables(file.with_name(name), tables)

    return is_ours


def _is_plain(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _is_empty(file: Path) -> bool:
    return file.lstat().st_size == 0


def _is_table(file: Path) -> bool:
    """Whether a Parquet file has our note in its footer."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - _TAIL_BYTES))
        return _NOTE in opened.read()


def _is_record(file: Path) -> bool:
    try:
        content = json.loads(file.read_bytes())
    except ValueError:
        return False
    return isinstance(content, dict) and "key" in content


def _is_made_by_us(file: Path) -> bool:
    """Whether a file of Dagster's lies with a `dagster.yaml` of ours."""
    configurations = (parent / "dagster.yaml" for parent in file.parents)
    return _is_configuration(next((found for found in configurations if os.path.lexists(found)), file))


def _is_configuration(file: Path) -> bool:
    if not _is_plain(file):
        return False
    with file.open("rb") as opened:
        return opened.read(len(_DAGSTER_HEADER)) == _DAGSTER_HEADER


def _is_embedded(file: Path) -> bool:
    """Whether a file of an embedded Qdrant lies in one that holds nothing but versions of collections of ours."""
    home = next(parent for parent in file.parents if parent.name == "qdrant")
    try:
        described = json.loads((home / "meta.json").read_bytes())
        names = [*described["collections"], *described["aliases"].values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return all(re.fullmatch(rf".+--{_HEX}+", str(name)) for name in names)


_KINDS = (
    _kind(re.escape(MARK), lambda file: read_mark(file.parent) is not None),
    _kind(rf"ledger\.sqlite{_DATABASE}", _is_database(_LEDGER)),
    _kind(rf"cache/content\.sqlite{_DATABASE}", _is_database(_CACHE)),
    _kind(_LOCK, _is_empty),
    _kind(_UNFINISHED),
    _kind(rf"tables/({_STAGES})/{FILE_STEM}\.parquet", _is_table),
    _kind(rf"tables/({_STAGES})/{_UNFINISHED}"),
    _kind(rf"tensors/{FILE_STEM}/{_RUN}-\d+/({re.escape(CLAIM)}|{TENSORS})"),
    _kind(rf"thumbnails/(?P<folder>{_HEX}{{2}})/(?P=folder){_HEX}{{62}}\.webp"),
    _kind(rf"thumbnails/(?P<folder>{_HEX}{{2}})/\.(?P=folder){_HEX}{{62}}\.webp\.tmp"),
    _kind(rf"runs/({_RUN}|{_UNFINISHED})"),
    _kind(rf"models/[A-Za-z0-9.-]*-{_HEX}{{8}}\.json", _is_record),
    _kind(rf"models/[A-Za-z0-9.-]*-{_HEX}{{8}}[a-z0-9_]{{8}}\.part"),
    _kind(rf"qdrant/(meta\.json|\.lock|collection/[^/]+--{_HEX}+/storage\.sqlite{_DATABASE})", _is_embedded),
    _kind(rf"{_DAGSTER}/history/(runs|runs/(index|{_RUN})?)\.db{_DATABASE}", _is_made_by_us),
    _kind(rf"{_DAGSTER}/schedules/schedules\.db{_DATABASE}", _is_made_by_us),
    _kind(rf"{_DAGSTER}/(storage/{_RUN}|defs_state|\.nux|\.telemetry|\.logs_queue|logs)/.+", _is_made_by_us),
)
# A person may have written one, also in the store: it is told from theirs by its first line.
_CONFIGURATION = _kind(rf"{_DAGSTER}/dagster\.yaml", _is_configuration)

_DIRECTORIES = re.compile(
    rf"\.making|cache|tables(/({_STAGES})(/\.making)?)?|tensors(/{FILE_STEM}(/{_RUN}-\d+)?)?"
    rf"|thumbnails(/{_HEX}{{2}})?|runs(/\.making)?|models|qdrant(/collection(/[^/]+--{_HEX}+)?)?"
    rf"|{_DAGSTER}(/(history(/runs)?|schedules|storage(/{_RUN}(/.+)?)?"
    r"|(defs_state|\.nux|\.telemetry|\.logs_queue|logs)(/.+)?))?",
    re.DOTALL,
)
_TOP = re.compile(rf"{re.escape(MARK)}|ledger\.sqlite{_DATABASE}|{_LOCK}", re.DOTALL)


def _may_be_top(name: str) -> bool:
    return _TOP.fullmatch(name) is not None or _DIRECTORIES.fullmatch(name) is not None


class _Reader:
    """Goes through a folder, and sorts what is in it."""

    def __init__(self, home: Path, is_marked: bool, within: str = "") -> None:
        self._home, self._is_marked, self._within = home, is_marked, Path(within)
        self._files: list[Path] = []
        self._directories: list[Path] = []
        self._others: list[Path] = []
        self._size = 0

    def read(self) -> Contents:
        """What is in it."""
        self._read(Path())
        return Contents(tuple(self._files), tuple(self._directories), tuple(self._others), self._size)

    def _read(self, directory: Path) -> None:
        for name, is_directory, size in _entries(self._home / directory):
            path = directory / name
            if is_directory and _DIRECTORIES.fullmatch((self._within / path).as_posix()):
                self._read(path)
                self._directories.append(path)
            elif size is not None and self._is_ours(path):
                self._files.append(path)
                self._size += size
            else:
                self._others.append(path)

    def _is_ours(self, path: Path) -> bool:
        text = (self._within / path).as_posix()
        with suppress(OSError):
            if _CONFIGURATION.pattern.fullmatch(text):
                return _CONFIGURATION.is_ours(self._home / path)
            for kind in _KINDS:
                if kind.pattern.fullmatch(text):
                    return self._is_marked or kind.is_ours(self._home / path)
        return False


def _entries(directory: Path) -> Iterator[tuple[str, bool, int | None]]:
    """The name of each entry, whether it is a directory, and the size of what is a file; links are neither."""
    with os.scandir(directory) as entries:
        found = list(entries)
    for entry in sorted(found, key=lambda entry: entry.name):
        status = entry.stat(follow_symlinks=False)
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        yield entry.name, stat.S_ISDIR(status.st_mode), size
