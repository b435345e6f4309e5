"""Writes made points to a Qdrant, in the pipeline's own batches; a server then builds its index, the other compacts.

The request: kind and folder of the Qdrant, points, patience (the maximum seconds to wait for the index of a server).
"""

import time
from pathlib import Path

from qdrant_client import QdrantClient
from qdrant_client.models import CollectionStatus

from benchmarks.engines import DIMENSION, VERSION, EngineKind, running_engine
from benchmarks.exchange import answer, read_request
from benchmarks.inputs.points import make_points
from benchmarks.measuring.stopwatch import Laps
from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.server import ServerAddress
from image_pipeline.stages.qdrant_collection import TIDY_POINTS

_PART = 2_560
"""Points that are made, and then written, together: ten batches of the pipeline."""


def main() -> None:
    """Write the points, and report the points per second of each part; making them is not part of the time."""
    request = read_request()
    laps, count, written = Laps(), request["points"], []
    with running_engine(EngineKind(request["kind"]), Path(request["folder"])) as engine:
        with engine.address.connect(VERSION.alias) as qdrant:
            collection = qdrant.collection(VERSION)
            collection.ensure()
            compaction, untidy = Laps(), 0
            for first in range(0, count, _PART):
                points = make_points(first, min(_PART, count - first), DIMENSION, VERSION.producer)
                with laps.lap():
                    for _ in collection.upsert(points):
                        pass
                written.append(len(points))
                untidy += len(points)
                if untidy >= TIDY_POINTS:
                    untidy = 0
                    compaction.time(collection.tidy)
            if collection.count() != count:
                raise RuntimeError(f"the collection has {collection.count()} points instead of {count}")
            compaction.time(collection.tidy)
            name = collection.name
        waited = _wait(engine.address, name, request["patience"])
    answer(
        rates=[n / s for n, s in zip(written, laps.seconds, strict=True)],
        compaction_seconds=sum(compaction.seconds),
        indexing_seconds=waited,
    )


def _wait(address: QdrantAddress, name: str, patience: float) -> float | None:
    """The seconds until the index of a server was built, 0 if there is none; None if it took longer than `patience`."""
    if not isinstance(address, ServerAddress):
        return 0.0
    client = QdrantClient(url=address.url, check_compatibility=False, timeout=60)
    began = time.monotonic()
    while client.get_collection(name).status is not CollectionStatus.GREEN:
        if time.monotonic() - began > patience:
            return None
        time.sleep(0.5)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
