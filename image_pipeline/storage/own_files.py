"""Which files in a folder belong to the store, decided by place, name and, if the folder has no mark, content.

`forget` deletes these files, and `rescue` moves them. Anything that is not named here belongs to somebody else.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import StoreError
from image_pipeline.files.rules import SIDE_DIRECTORIES, SIDE_FILES
from image_pipeline.files.store_mark import NAME as MARK
from image_pipeline.files.store_mark import parse_mark
from image_pipeline.schema.rows import Stage
from image_pipeline.storage import signatures as proofs
from image_pipeline.storage.claims import CLAIM, MAKING, TENSORS
from image_pipeline.storage.mark import read_mark
from image_pipeline.storage.signatures import DATABASE_SIDE_FILES as _DATABASE

FILE_STEM = r"[A-Za-z0-9_.-]*-[0-9a-f]{16}"
"""The pattern of the names that `file_stem` returns."""

_BLOCK_BYTES = 512  # the unit of `st_blocks`, whatever the block size of the file system

_HEX = "[0-9a-f]"
_RUN = rf"{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_STAGES = "|".join(Stage)
_THUMBNAILS = "thumbnails(?:-1024)?"
_UNFINISHED = r"\.making/tmp[a-z0-9_]{8}"
_DAGSTER = r"(dagster|\.dagster\.new)"
_LOCK = r"(qdrant|index|fill|device|dagster|partitions|page)\.lock|qdrant\.(wanted|next)"
_CAPTURED = r"[^/]+\.(out|err|complete)(\.partial)?"

# What operating systems and file managers put into any folder.
_SYSTEMS_OWN = re.compile(r"\.DS_Store|\._.*|\.Trash-\d+|\.Trashes|\.Spotlight-V100|\.fseventsd|\.directory", re.DOTALL)


@dataclass(frozen=True)
class Contents:
    """The entries of a folder, relative to it.

    `files` and `directories` (each after its entries) belong to the store; `others` do not, and of a foreign directory
    only the directory itself is listed. The order of `files` allows an interrupted deletion or move to be started
    again: a file by which others are recognised comes after them, and the ledger comes last. `size_bytes` is the size
    of `files`, without holes in them. `is_proven` says whether the content of at least one file can only come from a
    store.
    """

    files: tuple[Path, ...]
    directories: tuple[Path, ...]
    others: tuple[Path, ...]
    size_bytes: int
    is_proven: bool

    def by_name(self) -> dict[str, list[Path]]:
        """The store's files, grouped by their first path component."""
        names: dict[str, list[Path]] = {}
        for file in self.files:
            names.setdefault(file.parts[0], []).append(file)
        return names

    def listed(self) -> dict[str, int]:
        """Each file by its path, with 1; files named by hashes appear as one pattern, with their number."""
        return dict(Counter(_listed(file.as_posix()) for file in self.files))


def contents(home: Path, is_marked: bool) -> Contents:
    """The entries of the folder `home`; links are not followed, and do not belong to the store.

    In a store (`is_marked`), place and name decide. In any other folder, a person may have files of the same names, so
    a file belongs to the store only if its content was written by the pipeline, and a directory that may not be listed
    does not belong to it. Raises StoreError if a directory cannot be listed.
    """
    return _Reader(home, is_marked).read()


def unfinished_records(folder: Path) -> Contents:
    """The entries of a folder in which Dagster's records were being created. Raises StoreError if listing fails."""
    return _Reader(folder, is_marked=False, within="dagster").read()


def is_unmarked_store(home: Path) -> bool:
    """Whether the folder `home` is a store from before stores had marks, or what remains of one."""
    if proofs.is_ledger(home / "ledger.sqlite") or proofs.is_cache(home / "cache" / "content.sqlite"):
        return True
    if any(not (_may_be_top(path.name) or is_nothing(path)) for path in home.iterdir()):
        return False
    found = contents(home, is_marked=False)
    return found.is_proven and all(is_nothing(home / path.parts[0]) for path in found.others)


def is_nothing(path: Path) -> bool:
    """Whether an entry may be in a folder that counts as empty.

    Such entries are those that operating systems put into any folder, and leftovers of the creation of a store that was
    interrupted by a kill or a power cut.
    """
    name = path.name
    if name == MARK:
        return proofs.is_plain(path) and path.stat().st_size == 0
    if name == MAKING and path.is_dir() and not path.is_symlink():
        return all(_is_unfinished_mark(left) for left in path.iterdir())
    return name.lower() in SIDE_DIRECTORIES | SIDE_FILES or _SYSTEMS_OWN.fullmatch(name) is not None


def _is_unfinished_mark(file: Path) -> bool:
    try:
        status = file.lstat()
        if not stat.S_ISREG(status.st_mode):
            return False
        return status.st_size == 0 or parse_mark(file.read_bytes()) is not None
    except FileNotFoundError:  # it has just become the mark
        return True


@dataclass(frozen=True)
class _Kind:
    """A kind of file in the store: the pattern of its paths, and how to recognise the store's own by content.

    A kind that `proves` occurs only in stores. A kind that is checked `always` may belong to somebody else even in a
    store.
    """

    pattern: re.Pattern[str]
    is_ours: Callable[[Path], bool]
    proves: bool
    always: bool


def _kind(pattern: str, is_ours: Callable[[Path], bool], proves: bool = False, always: bool = False) -> _Kind:
    return _Kind(re.compile(pattern, re.DOTALL), is_ours, proves, always)


def _dagsters(pattern: str) -> _Kind:
    # DAGSTER_HOME may have been this folder before it became a store, and those records are not ours
    return _kind(rf"{_DAGSTER}/{pattern}", proofs.is_of_our_dagster, always=True)


def _never(file: Path) -> bool:
    """For files that cannot be recognised by their content, which can be anything."""
    return False


_is_claim = proofs.is_empty_or_has("process")

_KINDS = (
    _kind(re.escape(MARK), lambda file: read_mark(file.parent) is not None, proves=True),
    _kind(rf"ledger\.sqlite{_DATABASE}", proofs.is_ledger, proves=True),
    _kind(rf"cache/content\.sqlite{_DATABASE}", proofs.is_cache, proves=True),
    _kind(_LOCK, proofs.is_empty_or_has("pid", "host", "command", "since")),
    _kind(_UNFINISHED, _never),
    _kind(rf"tables/({_STAGES})/{FILE_STEM}\.parquet", proofs.is_table, proves=True),
    _kind(rf"tables/({_STAGES})/{_UNFINISHED}", _never),
    _kind(rf"tensors/{FILE_STEM}/{_RUN}-\d+/{re.escape(CLAIM)}", _is_claim),
    _kind(rf"tensors/{FILE_STEM}/{_RUN}-\d+/{TENSORS}", proofs.is_tensor),
    _kind(rf"sessions\.sqlite{_DATABASE}", proofs.is_sessions, proves=True),
    _kind(rf"{_THUMBNAILS}/(?P<folder>{_HEX}{{2}})/(?P=folder){_HEX}{{62}}\.webp", proofs.is_webp),
    _kind(rf"{_THUMBNAILS}/(?P<folder>{_HEX}{{2}})/\.(?P=folder){_HEX}{{62}}\.webp\.tmp", proofs.is_unfinished_webp),
    _kind(rf"runs/{_RUN}", _is_claim),
    _kind(rf"runs/{_UNFINISHED}", _never),
    _kind(rf"models/[A-Za-z0-9.-]*-{_HEX}{{8}}\.json", proofs.is_record, proves=True),
    _kind(rf"models/[A-Za-z0-9.-]*-{_HEX}{{8}}[a-z0-9_]{{8}}\.part", proofs.is_unfinished_record),
    _kind(
        rf"qdrant/(meta\.json|\.lock|collection/[^/]+--{_HEX}+/storage\.sqlite{_DATABASE})",
        proofs.is_embedded,
        proves=True,
    ),
    # the names of the files in a shard are Qdrant Edge's own
    _kind(
        r"qdrant-edge/(catalog\.json|\.catalog\.json\.tmp|closed\.json|open|copy|shard-\d+/.+)",
        proofs.is_edge,
        proves=True,
    ),
    _kind(rf"{_DAGSTER}/dagster\.yaml", proofs.is_configuration, proves=True, always=True),
    _dagsters(rf"history/(runs|runs/(index|{_RUN})?)\.db{_DATABASE}"),
    _dagsters(rf"schedules/schedules\.db{_DATABASE}"),
    _dagsters(rf"storage/{_RUN}/(compute_logs/{_CAPTURED}|[^/]+/result)"),
    _dagsters(rf"storage/__repository__/[^/]+/{_CAPTURED}"),
    _dagsters(r"\.nux/nux\.yaml|\.telemetry/id\.yaml|(logs|\.logs_queue)/event\.log(\.\d+)?"),
)

_DIRECTORIES = re.compile(
    rf"\.making|cache|tables(/({_STAGES})(/\.making)?)?|tensors(/{FILE_STEM}(/{_RUN}-\d+)?)?"
    rf"|{_THUMBNAILS}(/{_HEX}{{2}})?|runs(/\.making)?|models|qdrant(/collection(/[^/]+--{_HEX}+)?)?"
    r"|qdrant-edge(/shard-\d+(/.+)?)?"
    rf"|{_DAGSTER}(/(history(/runs)?|schedules|storage(/({_RUN}|__repository__)(/[^/]+)?)?"
    r"|defs_state|\.nux|\.telemetry|\.logs_queue|logs))?",
    re.DOTALL,
)
_TOP = re.compile(rf"{re.escape(MARK)}|(ledger|sessions)\.sqlite{_DATABASE}|{_LOCK}", re.DOTALL)

_LEDGER = "ledger.sqlite"
_TELLING = {"meta.json", "catalog.json", "dagster.yaml", CLAIM}
"""The files by which those beside and below them are recognised as the store's."""

# Kinds of files of which there are hundreds: people are shown one pattern for each.
_MANY = (
    (re.compile(rf"tables/({_STAGES})/{FILE_STEM}\.parquet"), r"tables/\1/DIRECTORY-<16 hex digits>.parquet"),
    (re.compile(rf"tensors/{FILE_STEM}/.+", re.DOTALL), "tensors/DIRECTORY-<16 hex digits>/RUN/"),
    (re.compile(rf"({_THUMBNAILS})/{_HEX}{{2}}/{_HEX}{{64}}\.webp"), r"\1/<2 hex digits>/<64 hex digits>.webp"),
    (re.compile(r"qdrant-edge/shard-\d+/.+", re.DOTALL), "qdrant-edge/shard-<number>/"),
    (re.compile(rf"(.*/)history/runs/{_RUN}\.db{_DATABASE}", re.DOTALL), r"\1history/runs/RUN.db"),
    (re.compile(rf"(.*/storage)/{_RUN}/.+", re.DOTALL), r"\1/RUN/"),
)


def _listed(path: str) -> str:
    for pattern, form in _MANY:
        if found := pattern.fullmatch(path):
            return found.expand(form)
    return path


def _turn(file: Path) -> int:
    if file.name.startswith(_LEDGER):
        return 2
    return int(file.name in _TELLING)


def _may_be_top(name: str) -> bool:
    return _TOP.fullmatch(name) is not None or _DIRECTORIES.fullmatch(name) is not None


class _Reader:
    """Reads a folder and sorts its entries."""

    def __init__(self, home: Path, is_marked: bool, within: str = "") -> None:
        self._home, self._is_marked, self._within = home, is_marked, Path(within)
        self._files: list[Path] = []
        self._directories: list[Path] = []
        self._others: list[Path] = []
        self._size = 0
        self._is_proven = False

    def read(self) -> Contents:
        """Read it."""
        self._read(Path())
        found = tuple(sorted(self._files, key=_turn)), tuple(self._directories), tuple(self._others)
        return Contents(*found, self._size, self._is_proven)

    def _read(self, directory: Path) -> None:
        for name, is_directory, size in self._entries(directory):
            path = directory / name
            if is_directory and _DIRECTORIES.fullmatch((self._within / path).as_posix()):
                self._read_below(path)
            elif size is not None and self._is_ours(path):
                self._files.append(path)
                self._size += size
            else:
                self._others.append(path)

    def _read_below(self, directory: Path) -> None:
        try:
            self._read(directory)
        except StoreError as error:
            if self._is_marked or not isinstance(error.__cause__, PermissionError):
                raise
            self._others.append(directory)
        else:
            self._directories.append(directory)

    def _is_ours(self, path: Path) -> bool:
        text = (self._within / path).as_posix()
        for kind in _KINDS:
            if kind.pattern.fullmatch(text):
                if self._is_marked and not kind.always:
                    return True
                with suppress(OSError):  # unreadable: it cannot be recognised
                    is_ours = kind.is_ours(self._home / path)
                    self._is_proven |= is_ours and kind.proves
                    return is_ours
        return False

    def _entries(self, directory: Path) -> Iterator[tuple[str, bool, int | None]]:
        """Each entry's name, whether it is a directory, and its size if it is a file; links are neither."""
        try:
            with os.scandir(self._home / directory) as entries:
                found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        except OSError as error:
            raise StoreError(
                f"{self._home / directory} cannot be listed ({error.strerror}): give the user who runs the pipeline "
                "read permission, and try again."
            ) from error
        for name, status in sorted(found):
            size = min(status.st_size, status.st_blocks * _BLOCK_BYTES)  # the files of a shard have large holes
            yield name, stat.S_ISDIR(status.st_mode), size if stat.S_ISREG(status.st_mode) else None
