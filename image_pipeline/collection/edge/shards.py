"""Shards of Qdrant Edge: one for each collection, in a folder of its own, searched exactly.

Its HNSW index loses results when a filter is set, so none is ever built: the storage is flat, the payload is indexed,
and each vector that passes the filter is compared.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from image_pipeline.collection.words import VECTOR
from image_pipeline.errors import CollectionError, ServiceUnavailableError
from image_pipeline.schema.column import Index

_NEVER_KB = 100_000_000
"""An indexing threshold that no segment reaches."""

_CONFIGURATION = "edge_config.json"
_LOCKED = "WouldBlock"
_FULL = f"(os error {errno.ENOSPC})"
_LOG = "wal"
_TEMPORARY = "temp_segments"  # Edge's own; a killed optimisation leaves segments there
_PANIC = "PanicException"  # raised by a panic of its Rust code; no subclass of Exception, and importable from nowhere


class EdgeError(CollectionError):
    """Qdrant Edge refuses an operation; the message is its own."""


class DamagedShardError(CollectionError):
    """The files of a shard cannot be read; the message says why."""


class ShardInUseError(ServiceUnavailableError):
    """A program that ignores our lock has a shard open."""


@contextmanager
def edge_errors() -> Iterator[None]:
    """Raises EdgeError for the errors of Qdrant Edge, which are plain Exceptions, or panics."""
    try:
        yield
    except BaseException as error:
        if type(error) is Exception or type(error).__name__ == _PANIC:
            raise EdgeError(str(error)) from error
        raise


def create_shard(folder: Path, dimension: int) -> qe.EdgeShard:
    """A new shard for vectors of `dimension` numbers, kept as 16-bit floats, and for words. Raises EdgeError."""
    words = {VECTOR: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)}
    return _create(folder, dimension, qe.VectorStorageDatatype.Float16, words)


def create_like(folder: Path, former: Path, dimension: int, is_turbo: bool) -> qe.EdgeShard:
    """A new shard for the points of the one in `former`, whose vectors are kept as Turbo8 or 16-bit floats.

    Raises EdgeError, and DamagedShardError if the configuration of the former one cannot be read.
    """
    kept = qe.VectorStorageDatatype.Turbo8 if is_turbo else qe.VectorStorageDatatype.Float16
    sparse = {
        name: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf if params.get("modifier") == "idf" else None)
        for name, params in (_configuration(former).get("sparse_vectors") or {}).items()
    }
    return _create(folder, dimension, kept, sparse)


def is_turbo(folder: Path) -> bool:
    """Whether the shard in `folder` keeps its vectors as Turbo8. Raises DamagedShardError."""
    vectors = _configuration(folder).get("vectors") or {}
    return bool((vectors.get("") or {}).get("datatype") == "turbo8")


def has_words(folder: Path) -> bool:
    """Whether the shard in `folder` is one for words. Raises DamagedShardError."""
    return VECTOR in (_configuration(folder).get("sparse_vectors") or {})


def _configuration(folder: Path) -> dict[str, Any]:
    try:
        configuration = json.loads((folder / _CONFIGURATION).read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedShardError(f"{_CONFIGURATION} cannot be read: {error}") from error
    if not isinstance(configuration, dict):
        raise DamagedShardError(f"{_CONFIGURATION} cannot be read")
    return configuration


def _create(
    folder: Path,
    dimension: int,
    datatype: qe.VectorStorageDatatype,
    sparse: Mapping[str, qe.EdgeSparseVectorParams],
) -> qe.EdgeShard:
    no_graph = qe.HnswIndexConfig(m=0, ef_construct=16, full_scan_threshold=0, payload_m=0)
    vectors = qe.EdgeVectorParams(
        size=dimension,
        distance=qe.Distance.Cosine,
        datatype=datatype,
        memory=qe.Memory.Cold,
        hnsw_config=no_graph,
    )
    optimizers = qe.EdgeOptimizersConfig(indexing_threshold=_NEVER_KB)
    with edge_errors():
        folder.mkdir(parents=True, exist_ok=True)
        configuration = qe.EdgeConfig(vectors=vectors, sparse_vectors=dict(sparse), optimizers=optimizers)
        return qe.EdgeShard.create(str(folder), configuration)


def load_shard(folder: Path) -> qe.EdgeShard:
    """The shard in `folder`, for a process that holds the lock.

    Raises DamagedShardError if it cannot be read, ShardInUseError if a program that ignores the lock has it open,
    OSError (ENOSPC) if the disk is full: loading writes the configuration anew.
    """
    shutil.rmtree(folder / _TEMPORARY, ignore_errors=True)
    try:
        if not (folder / _CONFIGURATION).is_file():  # Edge would guess one from the segments
            raise EdgeError(f"{_CONFIGURATION} is missing")
        with edge_errors():
            return qe.EdgeShard.load(str(folder))
    except EdgeError as error:
        if _LOCKED in str(error):
            raise ShardInUseError(
                f"The embedded Qdrant in {folder.parent} is in use by another program: stop it, or set QDRANT_URL to a "
                "Qdrant server."
            ) from error
        if _FULL in str(error):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
        raise DamagedShardError(str(error)) from error


def places(folder: Path) -> int:
    """The number of places for vectors that the shard in `folder` has used; those of deleted points are not reused.

    Each segment counts its own, in the first eight bytes of a status file (a little-endian integer).
    """
    files = folder.glob("segments/*/vector_storage/*vectors/status.dat")
    return sum(int.from_bytes(file.read_bytes()[:8], "little") for file in files)


def sync_log(folder: Path) -> None:
    """Wait until the log of the shard in `folder` is on the disk; Edge itself leaves that to the system."""
    log = folder / _LOG
    for path in (*log.iterdir(), log):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def index_params(index: Index) -> "qe.PayloadSchemaParams":
    """The parameters of a payload index of this kind, without a graph for filters."""
    match index:
        case Index.KEYWORD:
            return qe.KeywordIndexParams(enable_hnsw=False)
        case Index.INTEGER:
            return qe.IntegerIndexParams(enable_hnsw=False)
        case Index.FLOAT:
            return qe.FloatIndexParams(enable_hnsw=False)
        case Index.DATETIME:
            return qe.DatetimeIndexParams(enable_hnsw=False)
        case Index.GEO:
            return qe.GeoIndexParams(enable_hnsw=False)
        case Index.TEXT:
            return qe.TextIndexParams(tokenizer=qe.TokenizerType.Word, lowercase=True, enable_hnsw=False)
        case Index.NONE:
            raise ValueError("a field without an index")
