"""Opens a Qdrant with made points, and asks it everything that searches ask, in random order.

The request: kind and folder of the Qdrant, queries (of each kind), seed. The memory is that of this process if Qdrant
is embedded, and that of the server's process otherwise: when nothing is open yet (no server), after the first answer,
and after a hundred queries. All files are in the page cache, because they were read or written just before.
"""

import os
import random
import time
from pathlib import Path

from benchmarks.engines import DIMENSION, VERSION, EngineKind, running_engine
from benchmarks.exchange import answer, read_request
from benchmarks.inputs.points import make_vectors
from benchmarks.inputs.queries import KINDS, LIMIT, PLAIN, make_queries
from benchmarks.measuring.memory import held_bytes
from benchmarks.measuring.stopwatch import Laps
from image_pipeline.collection.version_points import VersionPoints

_REMEMBERED = 100


def main() -> None:
    """Open it, ask, and report the times of each query by kind, the memory, and what the plain queries found.

    The CPU time is that of this process, which does all of the work if Qdrant is embedded.
    """
    request = read_request()
    queries = make_queries(request["queries"], DIMENSION, request["seed"])
    random.Random(request["seed"]).shuffle(queries)
    first_vector = make_vectors(request["seed"] + 1, 1, DIMENSION)[0].tolist()
    memory = {"before": held_bytes(os.getpid())}
    laps, found, answers = {kind: Laps() for kind in KINDS}, dict.fromkeys(KINDS, 0), {}

    def ask_all(points: VersionPoints, pid: int) -> None:
        for kind in KINDS:  # warms up each kind
            next(query for query in queries if query.kind == kind).ask(points)
        for asked, query in enumerate(queries, start=1):
            with laps[query.kind].lap():
                result = query.ask(points)
            found[query.kind] += result if isinstance(result, int) else len(result)
            if query.kind == PLAIN:
                answers[query.number] = [hit.path for hit in result]
            if asked == min(_REMEMBERED, len(queries)):
                memory["queried"] = held_bytes(pid)

    began = time.perf_counter()
    with (
        running_engine(EngineKind(request["kind"]), Path(request["folder"])) as engine,
        engine.address.connect(VERSION.alias) as qdrant,
    ):
        points = qdrant.points(qdrant.searched_version().name)
        points.nearest(first_vector, LIMIT)
        opened = time.perf_counter() - began
        memory["opened"] = held_bytes(engine.pid)
        ask_all(points, engine.pid)
    answer(
        open_seconds=opened,
        seconds={kind: laps[kind].seconds for kind in KINDS},
        cpu_seconds={kind: laps[kind].cpu_seconds for kind in KINDS},
        found=found,
        answers=[answers[number] for number in sorted(answers)],
        memory=memory,
    )


if __name__ == "__main__":
    main()
