"""Copier of a shard: a process that writes the points of one to a new shard.

It reads them from a snapshot of the files, so that other processes can use the shard meanwhile. It prints the number of
copied points from time to time, and ends if nobody reads that. The caller holds the lock of `CopyNote`, which this
process inherits.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import qdrant_edge as qe

from image_pipeline.collection.edge.checkup import index_damage
from image_pipeline.collection.edge.shards import create_like, edge_errors, index_params, load_shard, seal
from image_pipeline.errors import CollectionError
from image_pipeline.schema.column import Index
from image_pipeline.schema.payload import PAYLOAD

BATCH = 256
FLUSH_POINTS = 64 * BATCH
_LEFT_OUT = ("wal", "payload_index", "temp_segments", ".*")
"""All changes are in the segments, points are read without indexes, and files that are being replaced begin with a dot.
"""
_CONTENTS = ("payload_storage/page_*", "vector_storage*/**/chunk_*", "*id_tracker.*")
"""The files of a segment that only changes of points change: a process that reads writes the same bytes to others."""
_NICENESS = 5


def command(source: Path, snapshot: Path, target: Path, dimension: int, is_turbo: bool) -> list[str]:
    """The command that copies the shard in `source`, which has been flushed, into the empty folder `target`.

    `snapshot` is an empty folder for a snapshot of its files. If `is_turbo`, the vectors become Turbo8.
    """
    return [sys.executable, "-P", "-m", __name__, *map(str, (source, snapshot, target, dimension, int(is_turbo)))]


def take_snapshot(source: Path, snapshot: Path) -> None:
    """Copy the files of a shard whose points do not change; other processes may read it meanwhile.

    Raises CollectionError if they change all the same, OSError.
    """
    before = _stamps(source)
    shutil.copytree(source, snapshot, ignore=shutil.ignore_patterns(*_LEFT_OUT), dirs_exist_ok=True)
    if _stamps(source) != before:
        raise CollectionError("it was changed meanwhile")


def copy(source: Path, target: Path, dimension: int, is_turbo: bool) -> Iterator[int]:
    """Copy the points of the shard in `source`, without indexes; yields the number of those copied after each batch.

    Raises EdgeError, DamagedShardError.
    """
    held = load_shard(source)
    shard = create_like(target, source, dimension, is_turbo)
    copied, after = 0, None
    with edge_errors():
        while copied == 0 or after is not None:
            request = qe.ScrollRequest(offset=after, limit=BATCH, with_payload=True, with_vector=True)
            records, after = held.scroll(request)
            points = [qe.Point(record.id, record.vector or {}, record.payload) for record in records]
            if not points:
                break
            shard.update(qe.UpdateOperation.upsert_points(points))
            copied += len(points)
            if copied % FLUSH_POINTS == 0:
                shard.flush()
            yield copied
        shard.flush()
        shard.close()
        held.close()


def index_sealed(target: Path, dimension: int) -> Iterator[str]:
    """Seal the shard in `target`, which has no indexes, and index it; yields the name of each field that it indexes.

    Indexes of points that are not sealed would be made for nothing. Raises EdgeError, DamagedShardError.
    """
    shard = seal(target, dimension)
    with edge_errors():
        for field in PAYLOAD:
            if field.index is not Index.NONE:
                yield field.name
                shard.update(qe.UpdateOperation.create_field_index(field.name, index_params(field.index)))
        shard.flush()
        shard.close()


def main() -> None:
    """Copy what the arguments name, as `command` makes them; exits with 1 and a message if that is not possible."""
    source, snapshot, target = map(Path, sys.argv[1:4])
    os.nice(_NICENESS)
    dimension, copied = int(sys.argv[4]), 0
    try:
        take_snapshot(source, snapshot)
        for copied in copy(snapshot, target, dimension, is_turbo=sys.argv[5] == "1"):
            print(copied, flush=True)
        shutil.rmtree(snapshot)  # sealing takes that space
        for _ in index_sealed(target, dimension):
            print(copied, flush=True)  # which shows whether anybody reads it
        shard = load_shard(target)
        damage = index_damage(shard)
        with edge_errors():
            shard.close()
    except (CollectionError, OSError) as error:  # one of them is that nobody reads what it prints
        sys.exit(str(error))
    if damage is not None:
        sys.exit(f"the copy is damaged ({damage})")


def _stamps(folder: Path) -> dict[Path, tuple[int, int]]:
    files = [path for pattern in _CONTENTS for path in folder.glob(f"segments/*/{pattern}")]
    return {path: ((status := path.stat()).st_size, status.st_mtime_ns) for path in files}


if __name__ == "__main__":
    main()
