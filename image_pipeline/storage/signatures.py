"""Content checks: how to tell a file of the store from a person's file of the same name."""

import json
import os
import re
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

from image_pipeline.storage.claims import CLAIM

DATABASE_SIDE_FILES = r"(-wal|-shm|-journal)?"
"""The suffixes of a database's name: none, and those of the files that SQLite keeps beside it."""

_NOTE = b"image_pipeline.note"
_DAGSTER_HEADER = b"# Dagster's own settings. The pipeline's are environment variables"
_TAIL_BYTES = 1 << 16
_HEX = "[0-9a-f]"

_LEDGER = {
    "library": {"root"},
    "partition": {"key", "fingerprint", "files", "indexed", "quarantined", "collection", "recipe", "run_id"},
    "quarantine": {"partition_key", "path", "sha256", "reason", "message"},
}
_CACHE = {"content": {"producer", "sha256", "value"}}
_SESSIONS = {"session": {"digest", "password", "ends"}, "device": {"digest", "password", "ends"}}


def is_plain(path: Path) -> bool:
    """Whether a path is a regular file, not a link."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def is_ledger(file: Path) -> bool:
    """Whether a file is a store's ledger, or one of its SQLite side files, judged by tables and columns."""
    return _has_tables(file, _LEDGER)


def is_cache(file: Path) -> bool:
    """Whether a file is a store's content cache, or one of its SQLite side files, judged by table and columns."""
    return _has_tables(file, _CACHE)


def is_sessions(file: Path) -> bool:
    """Whether a file is a store's database of sessions, or one of its SQLite side files, by tables and columns."""
    return _has_tables(file, _SESSIONS)


def is_table(file: Path) -> bool:
    """Whether a Parquet file has our note in its footer."""
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - _TAIL_BYTES))
        return _NOTE in opened.read()


def is_record(file: Path) -> bool:
    """Whether a file is the record of a model: its name contains the hash of its key."""
    content = _json(file)
    key = content.get("key") if isinstance(content, dict) else None
    return isinstance(key, str) and file.stem.endswith(f"-{sha256(key.encode(errors='replace')).hexdigest()[:8]}")


def is_unfinished_record(file: Path) -> bool:
    """Whether a file is an incomplete record of a model."""
    return _begins(file, rb'(\{\n  "key": .*)?')


def is_empty_or_has(*names: str) -> Callable[[Path], bool]:
    """A check for claimed or locked files.

    Such a file is empty, or holds a JSON object with the keys `names`, which describes the holder.
    """

    def is_ours(file: Path) -> bool:
        if file.lstat().st_size == 0:
            return True
        content = _json(file)
        return isinstance(content, dict) and content.keys() >= set(names)

    return is_ours


def is_webp(file: Path) -> bool:
    """Whether a file has the header of a WebP."""
    return _begins(file, rb"RIFF....WEBP.*")


def is_unfinished_webp(file: Path) -> bool:
    """Whether a file is empty, or has the header of a WebP."""
    return _begins(file, rb"(RIFF....WEBP.*)?")


def is_tensor(file: Path) -> bool:
    """Whether a file is a NumPy array in a directory with a claim file."""
    return is_plain(file.with_name(CLAIM)) and _begins(file, rb"\x93NUMPY.*")


def is_configuration(file: Path) -> bool:
    """Whether a `dagster.yaml` was written by the pipeline, judged by its first line."""
    return is_plain(file) and _begins(file, re.escape(_DAGSTER_HEADER) + b".*")


def is_of_our_dagster(file: Path) -> bool:
    """Whether a file of Dagster's belongs to a `dagster.yaml` that the pipeline wrote."""
    configurations = (parent / "dagster.yaml" for parent in file.parents)
    return is_configuration(next((found for found in configurations if os.path.lexists(found)), file))


def is_embedded(file: Path) -> bool:
    """Whether a file belongs to an embedded Qdrant that holds only versions of the pipeline's collections."""
    home = next(parent for parent in file.parents if parent.name == "qdrant")
    return _has_only_versions(home / "meta.json")


def is_edge(file: Path) -> bool:
    """Whether a file belongs to an embedded Qdrant Edge that holds only versions of the pipeline's collections."""
    home = next(parent for parent in file.parents if parent.name == "qdrant-edge")
    return _has_only_versions(home / "catalog.json")


def _has_only_versions(description: Path) -> bool:
    """Whether a description of collections and aliases names versions of the pipeline's collections, and no others."""
    try:
        described = _json(description)
        names = [*described["collections"], *described["aliases"].values()]
    except (OSError, KeyError, TypeError, AttributeError):
        return False
    return bool(names) and all(re.fullmatch(rf".+--{_HEX}+", str(name)) for name in names)


def _has_tables(file: Path, tables: dict[str, set[str]]) -> bool:
    file = file.with_name(re.sub(f"{DATABASE_SIDE_FILES}$", "", file.name))
    if not is_plain(file):
        return False
    # immutable: SQLite must write nothing beside a file that may be somebody else's
    address = f"{file.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            for table, columns in tables.items():
                if not columns <= {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}:
                    return False
    except sqlite3.Error:
        return False
    return True


def _begins(file: Path, pattern: bytes) -> bool:
    with file.open("rb") as opened:
        return re.fullmatch(pattern, opened.read(len(_DAGSTER_HEADER)), re.DOTALL) is not None


def _json(file: Path) -> Any:
    """The content of a JSON file; None if it is not JSON. Raises OSError if it cannot be read."""
    try:
        return json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return None
