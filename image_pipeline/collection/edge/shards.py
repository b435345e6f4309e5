"""Shards of Qdrant Edge: one for each collection, in a folder of its own, searched exactly.

Its HNSW index loses results when a filter is set, so none is ever built: the storage is flat, the payload is indexed,
and each vector that passes the filter is compared.

A shard consists of segments. Those that points are written to have their payload indexes in memory, and read them anew
whenever the shard is loaded. A sealed segment has them in files that are mapped; its points can only be deleted, and
one that changes moves to the other kind.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from image_pipeline.collection.words import VECTOR
from image_pipeline.errors import CollectionError, ServiceUnavailableError
from image_pipeline.schema.column import Index

_NEVER_KB, _ALWAYS_KB = 100_000_000, 1
"""Indexing thresholds that no segment reaches, and that all but the smallest do."""

_CONFIGURATION = "edge_config.json"
_LOCKED = "WouldBlock"
_MESSAGE_CHARACTERS = 300
_BUFFER_BYTES = 1 << 20
_NEEDED = ("id_tracker.*", "vector_index-words/*", "vector_storage/**/*")
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
    return _create(folder, dimension, kept, _sparse_vectors(former))


def seal(folder: Path, dimension: int) -> qe.EdgeShard:
    """Seal the segments of the shard in `folder`, which is not open and has no payload indexes; returns it, loaded.

    Indexes that it is given afterwards are sealed, too. Raises EdgeError, DamagedShardError.
    """
    kept = qe.VectorStorageDatatype.Turbo8 if is_turbo(folder) else qe.VectorStorageDatatype.Float16
    sparse = _sparse_vectors(folder)
    with edge_errors():
        shard = qe.EdgeShard.load(str(folder), _configuration_of(dimension, kept, sparse, _ALWAYS_KB))
        shard.optimize()
        shard.close()
        return qe.EdgeShard.load(str(folder), _configuration_of(dimension, kept, sparse, _NEVER_KB))


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


def _sparse_vectors(folder: Path) -> dict[str, qe.EdgeSparseVectorParams]:
    """The parameters of the sparse vectors of the shard in `folder`, by name."""
    return {
        name: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf if params.get("modifier") == "idf" else None)
        for name, params in (_configuration(folder).get("sparse_vectors") or {}).items()
    }


def _create(
    folder: Path,
    dimension: int,
    datatype: qe.VectorStorageDatatype,
    sparse: Mapping[str, qe.EdgeSparseVectorParams],
) -> qe.EdgeShard:
    with edge_errors():
        folder.mkdir(parents=True, exist_ok=True)
        return qe.EdgeShard.create(str(folder), _configuration_of(dimension, datatype, sparse, _NEVER_KB))


def _configuration_of(
    dimension: int,
    datatype: qe.VectorStorageDatatype,
    sparse: Mapping[str, qe.EdgeSparseVectorParams],
    indexing_threshold: int,
) -> qe.EdgeConfig:
    vectors = qe.EdgeVectorParams(
        size=dimension,
        distance=qe.Distance.Cosine,
        datatype=datatype,
        memory=qe.Memory.Cold,
        hnsw_config=qe.HnswIndexConfig(m=0, ef_construct=16, full_scan_threshold=0, payload_m=0),  # no graph
    )
    optimizers = qe.EdgeOptimizersConfig(indexing_threshold=indexing_threshold)
    return qe.EdgeConfig(vectors=vectors, sparse_vectors=dict(sparse), optimizers=optimizers)


def full_disk(folder: Path) -> OSError:
    """The error that a full disk means, for what was to be written in `folder`."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def end_of(output: str) -> str:
    """The end of what a process printed, for a message."""
    return output.strip()[-_MESSAGE_CHARACTERS:]


def load_shard(folder: Path) -> qe.EdgeShard:
    """The shard in `folder`, for a process that holds the lock.

    Raises DamagedShardError if it cannot be read, ShardInUseError if a program that ignores the lock has it open,
    OSError (ENOSPC) if the disk is full: loading writes the configuration anew.
    """
    shutil.rmtree(folder / _TEMPORARY, ignore_errors=True)
    try:
        if not (folder / _CONFIGURATION).is_file():  # Edge would guess one from the segments
            raise EdgeError(f"{_CONFIGURATION} is missing")
        _read_ahead(folder)
        with edge_errors():
            return qe.EdgeShard.load(str(folder))
    except EdgeError as error:
        if _LOCKED in str(error):
            raise ShardInUseError(
                f"The embedded Qdrant in {folder.parent} is in use by another program: stop it, or set QDRANT_URL to a "
                "Qdrant server."
            ) from error
        if _FULL in str(error):
            raise full_disk(folder) from error
        raise DamagedShardError(str(error)) from error


def _read_ahead(folder: Path) -> None:
    """Read the files of the shard in `folder` that are needed as a whole, so that they are in the system's memory.

    Loading reads the index of words and the ids, and every search reads all vectors. Qdrant Edge tells the system to
    forget its files whenever it closes them, and maps them for random access: each page of 4 KB would be waited for
    alone.
    """
    buffer = bytearray(_BUFFER_BYTES)
    for pattern in _NEEDED:
        for file in folder.glob(f"segments/*/{pattern}"):
            with suppress(OSError), open(file, "rb", buffering=0) as opened:
                while opened.readinto(buffer):
                    pass


@dataclass(frozen=True)
class Places:
    """The places for points that a shard has used; those of deleted points are not reused."""

    fresh: int
    """In segments that points are written to."""
    sealed: int
    """In sealed segments."""

    @property
    def used(self) -> int:
        """All of them."""
        return self.fresh + self.sealed


def places(folder: Path) -> Places:
    """The places that the shard in `folder` has used, as its files say once it has been flushed.

    A segment that points are written to has their number in the first eight bytes of a status file (a little-endian
    integer), a sealed one has a file with eight bytes for each.
    """
    fresh = folder.glob("segments/*/vector_storage/*vectors/status.dat")
    sealed = folder.glob("segments/*/id_tracker.versions")
    return Places(
        sum(int.from_bytes(file.read_bytes()[:8], "little") for file in fresh),
        sum(file.stat().st_size // 8 for file in sealed),
    )


def sync_log(folder: Path) -> None:
    """Wait until the log of the shard in `folder` is on the disk; Edge itself leaves that to the system.

    A thread of Edge makes the next file of the log ahead of time, and gives it its final name once it is complete. So
    a file may be gone that was there a moment before: then those that have come in its place are synced as well.
    """
    log = folder / _LOG
    synced: set[Path] = set()
    while left := [path for path in (*log.iterdir(), log) if path not in synced]:
        for path in left:
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            synced.add(path)


def index_params(index: Index) -> "qe.PayloadSchemaParams":
    """The parameters of a payload index of this kind, without a graph for filters; mapped where it is sealed."""
    cold = qe.Memory.Cold
    match index:
        case Index.KEYWORD:
            return qe.KeywordIndexParams(enable_hnsw=False, memory=cold)
        case Index.INTEGER:
            return qe.IntegerIndexParams(enable_hnsw=False, memory=cold)
        case Index.FLOAT:
            return qe.FloatIndexParams(enable_hnsw=False, memory=cold)
        case Index.DATETIME:
            return qe.DatetimeIndexParams(enable_hnsw=False, memory=cold)
        case Index.GEO:
            return qe.GeoIndexParams(enable_hnsw=False, memory=cold)
        case Index.TEXT:
            word = qe.TokenizerType.Word
            return qe.TextIndexParams(tokenizer=word, lowercase=True, enable_hnsw=False, memory=cold)
        case Index.NONE:
            raise ValueError("a field without an index")
