"""Checkup of a shard: reads it in a process of its own, since damaged files can kill the process that reads them.

`python -m image_pipeline.collection.edge.checkup FOLDER [load]` exits with 0 if nothing is wrong with the shard in
FOLDER, and otherwise prints what is wrong. With `load`, the shard is loaded and not read. The caller holds the lock.
"""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import qdrant_edge as qe

from image_pipeline.collection.edge.shards import DamagedShardError, EdgeError, ShardInUseError, edge_errors, load_shard
from image_pipeline.errors import CollectionError
from image_pipeline.schema.payload import PARTITION

_LOAD = "load"
_PAGE = 1000
_MESSAGE_CHARACTERS = 300
_DAMAGED, _IN_USE = 10, 11  # exit codes; Python itself uses 1 and 2
_CRASHES = {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTRAP}


def damage_of(folder: Path, is_whole: bool) -> str | None:
    """What is wrong with the shard in `folder`, which no process has open; None if it can be loaded.

    If `is_whole`, all of it is read. Raises ShardInUseError if a program that ignores the lock has it open,
    CollectionError if the other process cannot be started or is killed.
    """
    command = [sys.executable, "-m", __name__, str(folder), *([] if is_whole else [_LOAD])]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0:
        return None
    if done.returncode == _DAMAGED:
        return done.stdout.strip()
    if -done.returncode in _CRASHES:
        return f"reading it ends the process with {signal.Signals(-done.returncode).name}"
    if done.returncode == _IN_USE:
        raise ShardInUseError(done.stdout.strip())
    raise CollectionError(
        f"{folder} could not be checked (exit code {done.returncode}: {done.stderr.strip()[-_MESSAGE_CHARACTERS:]}): "
        "try again."
    )


def _read(shard: qe.EdgeShard) -> str | None:
    """Read all points, and compare their number, and that of the values of each field, with the indexes."""
    with edge_errors():
        info = shard.info()
        points, values, after = 0, Counter[str](), None
        while True:
            request = qe.ScrollRequest(limit=_PAGE, offset=after, with_payload=True, with_vector=True)
            records, after = shard.scroll(request)
            for record in records:
                points += 1
                values.update(name for name, value in (record.payload or {}).items() if value not in (None, []))
                if not isinstance(record.vector, list):
                    return f"point {record.id} has no vector"
            if after is None:
                break
    if points != info.points_count:
        return f"{points} points can be read of {info.points_count}"
    if points and PARTITION.name not in info.payload_schema:  # every collection with points has been given it
        return "the indexes are lost"
    for name, index in info.payload_schema.items():
        if index.points != values[name]:
            return f"the index of {name} has {index.points} points instead of {values[name]}"
    return None


def main() -> None:
    """Check the shard in the folder that is the first argument."""
    try:
        shard = load_shard(Path(sys.argv[1]))
        damage = None if sys.argv[2:] == [_LOAD] else _read(shard)
        with edge_errors():
            shard.close()
    except ShardInUseError as error:
        print(error)
        sys.exit(_IN_USE)
    except (EdgeError, DamagedShardError) as error:
        damage = str(error)
    if damage is not None:
        print(damage)
        sys.exit(_DAMAGED)


if __name__ == "__main__":
    main()
