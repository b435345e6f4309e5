"""An embedded Qdrant Edge whose owner is killed, again and again: what was acknowledged is there, nothing is half."""

import itertools
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline_tests.collection import killed_writer
from image_pipeline_tests.collection.killed_writer import State, held, steps
from image_pipeline_tests.collection.test_compaction_kills import await_copier


def killed_after(store: Path, seed: int, first: int, seconds: float) -> int:
    """Take steps from number `first`, and kill the process `seconds` after that; returns the last finished step."""
    command = [sys.executable, "-m", killed_writer.__name__, str(store), str(seed), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{first}\n"
        time.sleep(seconds)
        process.kill()
        done = [int(line) for line in process.stdout.read().split("\n")[:-1]]
    return max([first, *done])


def kill_often(address: EdgeAddress, seed: int, kills: int) -> None:
    rng = random.Random(seed)
    store, first, state, taken = address.directory.parent, 0, State(), 0
    for _ in range(kills):
        last = killed_after(store, seed, first, rng.uniform(0, 0.4))
        for step in itertools.islice(steps(seed), taken, last + 1):
            state = state.after(step)
        taken = last + 1
        following = state.after(next(itertools.islice(steps(seed), taken, taken + 1)))
        await_copier(address)
        with address.connect("images") as qdrant:
            found = held(qdrant)
            assert all(qdrant.damage(name) is None for name in found.versions)
            assert found.alias in (state.alias, following.alias)
            assert found.alias in found.versions
            assert found.versions.keys() in (
                state.versions.keys(),
                following.versions.keys(),
                state.versions.keys() | following.versions.keys(),
            )
            for name, points in found.versions.items():
                # a step of several batches may be half done
                before, after = state.versions.get(name, {}), following.versions.get(name, {})
                assert points.items() <= before.items() | after.items()
                assert points.items() >= before.items() & after.items()
                assert qdrant.points(name).count() == len(points)
            assert len(list(address.directory.glob("shard-*"))) == len(found.versions)
        first = taken


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_lose_nothing_that_was_acknowledged(edge_address: EdgeAddress, seed: int) -> None:
    kill_often(edge_address, seed, kills=5)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10, 20))
def test_many_kills_lose_nothing_that_was_acknowledged(edge_address: EdgeAddress, seed: int) -> None:
    kill_often(edge_address, seed, kills=12)
