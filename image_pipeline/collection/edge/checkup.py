"""Checkup of a shard: loads it in a process of its own, since damaged files can kill the process that loads them.

`python -m image_pipeline.collection.edge.checkup FOLDER [load]` exits with 0 if nothing is wrong with the shard in
FOLDER, and otherwise prints what is wrong. With `load`, its indexes are not looked at. The caller holds the lock.
"""

import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import qdrant_edge as qe

from image_pipeline.collection.edge.shards import (
    DamagedShardError,
    EdgeError,
    ShardInUseError,
    edge_errors,
    end_of,
    load_shard,
)
from image_pipeline.collection.words import VECTOR
from image_pipeline.errors import CollectionError
from image_pipeline.schema.column import Index
from image_pipeline.schema.payload import PARTITION, PAYLOAD

_LOAD = "load"
_SAMPLE = 200
_SAMPLE_OF_WORDS = 10  # with a million points, each takes more than half a second
_ALMOST = 0.999  # scores are sums of 32-bit floats
_NEAR_M = 100.0
_MOST_LATITUDE, _MOST_LONGITUDE = 85.0, 179.0  # Edge does not find a pole by a small circle around it
_DAMAGED, _IN_USE = 10, 11  # exit codes; Python itself uses 1 and 2
_CRASHES = {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGTRAP}


def damage_of(folder: Path, is_whole: bool) -> str | None:
    """What is wrong with the shard in `folder`, which no process has open; None if it can be loaded.

    If `is_whole`, its indexes are compared with its points; the payloads and vectors of all points are not read.
    Raises ShardInUseError if a program that ignores the lock has it open, CollectionError if the other process cannot
    be started or is killed.
    """
    command = [sys.executable, "-P", "-m", __name__, str(folder), *([] if is_whole else [_LOAD])]
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
        f"{folder} could not be checked (exit code {done.returncode}: {end_of(done.stderr)}): try again."
    )


def index_damage(shard: qe.EdgeShard) -> str | None:
    """What is wrong with the indexes of a shard: each knows all of its points, and finds those of a sample by value."""
    with edge_errors():
        info = shard.info()
        points = shard.count(qe.CountRequest(exact=True))
        if points != info.points_count:
            return f"{points} points are found of {info.points_count}"
        if points and PARTITION.name not in info.payload_schema:  # every collection with points has been given it
            return "the indexes are lost"
        for name, index in info.payload_schema.items():
            if index.data_type == qe.PayloadSchemaType.Text:  # it does not count texts without words
                continue
            has_value = qe.Filter(must_not=[qe.IsEmptyCondition(name)])
            values = shard.count(qe.CountRequest(exact=True, filter=has_value))
            if index.points != values:
                return f"the index of {name} has {index.points} points instead of {values}"
        sample = shard.query(
            qe.QueryRequest(limit=_SAMPLE, query=qe.Sample.Random, with_payload=True, with_vector=True)
        )
        for point in sample:
            for name, condition in _own_values(point.payload or {}, info.payload_schema):
                found = qe.Filter(must=[qe.HasIdCondition({point.id}), condition])
                if shard.count(qe.CountRequest(exact=True, filter=found)) != 1:
                    return f"the index of {name} does not find point {point.id}"
        for point in sample[:_SAMPLE_OF_WORDS]:
            if not _words_are_found(shard, point):
                return f"the index of words does not find point {point.id}"
    return None


def _words_are_found(shard: qe.EdgeShard, point: qe.ScoredPoint) -> bool:
    """Whether the point that the index of words finds for the words of this one fits as well as this one itself.

    Edge does not use that index if a filter leaves few points: it compares them.
    """
    own = point.vector.get(VECTOR) if isinstance(point.vector, dict) else None
    if not isinstance(own, qe.SparseVector) or not own.indices:
        return True
    query = qe.Query.Nearest(own, using=VECTOR)
    this = qe.Filter(must=[qe.HasIdCondition({point.id})])
    compared = shard.query(qe.QueryRequest(limit=1, query=query, filter=this))
    best = shard.query(qe.QueryRequest(limit=1, query=query))
    return bool(compared and best) and best[0].score >= compared[0].score * _ALMOST


def _own_values(payload: Mapping[str, Any], indexed: Iterable[str]) -> Iterator[tuple[str, qe.FieldCondition]]:
    """For each declared field of a payload that has an index: the condition that it has the value that it has."""
    for field in PAYLOAD:
        value = payload.get(field.name)
        if value in (None, []) or field.name not in indexed:
            continue
        match field.index:
            case Index.KEYWORD | Index.INTEGER:
                first = value[0] if isinstance(value, list) else value
                yield field.name, qe.FieldCondition(field.name, match=qe.MatchValue(first))
            case Index.DATETIME:
                yield field.name, qe.FieldCondition(field.name, range=qe.RangeDateTime(gte=value, lte=value))
            case Index.GEO if abs(value["lat"]) < _MOST_LATITUDE and abs(value["lon"]) < _MOST_LONGITUDE:
                circle = qe.GeoRadius(qe.GeoPoint(lat=value["lat"], lon=value["lon"]), _NEAR_M)
                yield field.name, qe.FieldCondition(field.name, geo_radius=circle)
            case Index.TEXT:
                if any(map(str.isalnum, value)):  # else it has no words
                    yield field.name, qe.FieldCondition(field.name, match=qe.MatchText(value))


def main() -> None:
    """Check the shard in the folder that is the first argument."""
    try:
        shard = load_shard(Path(sys.argv[1]))
        damage = None if sys.argv[2:] == [_LOAD] else index_damage(shard)
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
