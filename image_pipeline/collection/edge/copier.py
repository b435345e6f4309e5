"""Copier of a shard: a process that reads all points of one in turns with others, and writes them to a new shard.

It prints the number of copied points from time to time, and ends if nobody reads that. The caller holds the lock of
`CopyNote`, which this process inherits.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import qdrant_edge as qe

from image_pipeline.collection.edge.checkup import index_damage
from image_pipeline.collection.edge.opened import Opened
from image_pipeline.collection.edge.shards import create_like, edge_errors, load_shard
from image_pipeline.collection.edge.turns import Turns
from image_pipeline.errors import PipelineError
from image_pipeline.storage.locks import StillHeldError

PAGE = 4096
"""So many points are read in a turn at least: opening a large shard takes seconds, if others want it in between."""

BATCH = 256
_NICENESS = 5


def command(directory: Path, lock_file: Path, seconds: float, name: str, target: Path, is_turbo: bool) -> list[str]:
    """The command that copies the shard of the collection `name` into the folder `target`.

    `lock_file` and `seconds` are those of the turns.
    """
    arguments = (directory, lock_file, seconds, name, target, int(is_turbo))
    return [sys.executable, "-m", __name__, *map(str, arguments)]


def copy(turns: Turns[Opened], name: str, target: Path, is_turbo: bool) -> Iterator[int]:
    """Copy the points; yields the number of those copied after each batch. Raises as `Turns.use` and `Opened` do."""
    with turns.use() as opened:
        source, dimension = opened.folder(name), opened.entry(name).dimension
        with edge_errors():
            indexes = opened.shard(name).info().payload_schema
    shard = create_like(target, source, dimension, is_turbo)
    with edge_errors():
        for field, index in indexes.items():
            shard.update(qe.UpdateOperation.create_field_index(field, index.params or index.data_type))
    copied, after = 0, None
    while copied == 0 or after is not None:
        request = qe.ScrollRequest(offset=after, limit=PAGE, with_payload=True, with_vector=True)
        with turns.use() as opened:
            held = opened.shard(name)
            with edge_errors():
                records, after = held.scroll(request)
        if not records:
            break
        for start in range(0, len(records), BATCH):
            points = [qe.Point(one.id, one.vector or {}, one.payload) for one in records[start : start + BATCH]]
            with edge_errors():
                shard.update(qe.UpdateOperation.upsert_points(points))
            copied += len(points)
            yield copied
        with edge_errors():
            shard.flush()
    with edge_errors():
        shard.flush()
        shard.close()


def main() -> None:
    """Copy what the arguments name, as `command` makes them; exits with 1 and a message if that is not possible."""
    directory, lock_file, seconds, name, target, is_turbo = sys.argv[1:]
    os.nice(_NICENESS)
    what = f"the embedded Qdrant in {directory}"
    turns = Turns(Path(lock_file), what, float(seconds), lambda: Opened(Path(directory)), Opened.close)
    try:
        for copied in copy(turns, name, Path(target), is_turbo == "1"):
            print(copied, flush=True)
        turns.end()
        shard = load_shard(Path(target))
        damage = index_damage(shard)
        with edge_errors():
            shard.close()
    except BrokenPipeError:
        sys.exit(1)
    except (PipelineError, StillHeldError, OSError) as error:
        sys.exit(f"{error}")
    finally:
        turns.end()
    if damage is not None:
        sys.exit(f"the copy is damaged ({damage})")


if __name__ == "__main__":
    main()
