"""A program that changes an embedded Qdrant Edge step by step, and reports each finished step; tests kill it.

Arguments: the store, the seed of the steps, the number of the first step. A step that is repeated changes nothing more.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from image_pipeline.collection.edge import compaction
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.qdrant import Qdrant
from image_pipeline_tests.collection.population import PARTITIONS, many_points
from image_pipeline_tests.storage.conftest import NEXT_VERSION, VERSION

VERSIONS = (VERSION, NEXT_VERSION)
Step = tuple[str, int, Any]
"""What to do, to which of `VERSIONS`, and with what."""

_SEALED = 0.2
"""The chance that all points are sealed after a change."""


@dataclass
class State:
    """What an embedded Qdrant should hold: points by version, and the version that the alias points to."""

    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    alias: str | None = None

    def after(self, step: Step) -> "State":
        what, number, given = step
        name = VERSIONS[number].name
        oracle_points = dict(self.versions.get(name, {}))
        versions, alias = {**self.versions, name: oracle_points}, self.alias
        if what == "ensure":
            alias = alias or name
        elif what == "upsert":
            oracle_points |= {point.id: point.digest for point in given}
        elif what == "delete":
            for point in given:
                oracle_points.pop(point.id, None)
        elif what == "flip":
            versions, alias = {name: oracle_points}, name
        return State(versions, alias)


def steps(seed: int) -> Iterator[Step]:
    """An endless sequence of steps, which build one version after the other."""
    rng = np.random.default_rng(seed)
    population = many_points(400, seed)
    for turn in range(1_000_000):
        number = turn % 2
        yield "ensure", number, None
        for _ in range(int(rng.integers(1, 8))):
            chosen = rng.choice(len(population), int(rng.integers(1, 300)))
            points = {population[one].id: _moved(population[one], rng) for one in chosen}
            yield "upsert", number, list(points.values())
            yield "delete", number, [population[one] for one in rng.choice(len(population), int(rng.integers(40)))]
            if rng.random() < _SEALED:
                yield "seal", number, None
        yield "flip", number, None


def take(qdrant: Qdrant, step: Step) -> None:
    what, number, given = step
    collection = qdrant.collection(VERSIONS[number])
    if what == "ensure":
        collection.ensure()
    elif what == "upsert":
        list(collection.upsert(given))
    elif what == "delete":
        collection.delete_points([point.id for point in given])
    elif what == "seal":
        collection.tidy()
    else:
        collection.point_alias_here()
        collection.delete_other_versions()


def held(qdrant: Qdrant) -> State:
    digests = {name: qdrant.points(name).digests(PARTITIONS) for name in qdrant.versions()}
    versions = {
        name: {id_: digest for points in found.values() for id_, digest in points.items()}
        for name, found in digests.items()
    }
    return State(versions, qdrant.alias_target())


def _moved(point: Point, rng: np.random.Generator) -> Point:
    partition = PARTITIONS[rng.integers(len(PARTITIONS))]
    return make_point(point.payload["path"], point.vector, {**point.payload, "partition": partition})


def main() -> None:
    """Take steps until somebody kills this process."""
    compaction.FRESH_POINTS, compaction.FRESH_SHARE = 1, 0.0
    store, seed, first = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with EdgeAddress(store / "qdrant-edge", store / "qdrant.lock").connect("images") as qdrant:
        for number, step in enumerate(steps(seed)):
            if number >= first:
                take(qdrant, step)
                print(number, flush=True)


if __name__ == "__main__":
    main()
