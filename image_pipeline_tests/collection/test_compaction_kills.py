"""Compactions that are killed, again and again, at any time and at each step: the points are those of before."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.edge.catalog import read_catalog
from image_pipeline.collection.edge.copies import CopyNote
from image_pipeline.collection.edge.shards import places
from image_pipeline.collection.points import Point
from image_pipeline_tests.collection import killed_compactor
from image_pipeline_tests.collection.killed_compactor import BEGUN, PLACES
from image_pipeline_tests.collection.population import PARTITIONS, many_points
from image_pipeline_tests.storage.conftest import VERSION

LONGEST_SECONDS = 4.0
ANY_TIME, COPIER = "at any time", "the copier at any time"


def await_copier(address: EdgeAddress) -> None:
    """Wait until a copier whose parent was killed has ended."""
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        with CopyNote(address.directory).lock() as descriptor:
            if descriptor is not None:
                return
        time.sleep(0.05)
    raise AssertionError("the copier goes on without the process that started it")


class Compacted:
    """A collection that is compacted, and what it should hold."""

    def __init__(self, address: EdgeAddress, seed: int) -> None:
        self._address, self._rng = replace(address, lock_seconds=60.0), random.Random(seed)
        self._population = many_points(900, seed)
        self._points: dict[str, Point] = {}
        self.tally: Counter[str] = Counter()
        with address.connect("images") as qdrant:
            qdrant.collection(VERSION).ensure()

    def wear(self) -> None:
        """Write and delete so many points that it is worth to compact them."""
        share = 0.0
        while share < 0.4:
            chosen = self._rng.sample(self._population, self._rng.randint(300, 850))
            with self._address.connect("images") as qdrant:
                collection = qdrant.collection(VERSION)
                list(collection.upsert(chosen))
                self._points |= {point.id: point for point in chosen}
                gone = [point.id for point in chosen[: len(chosen) * 2 // 3]]
                collection.delete_points(gone)
                for id_ in gone:
                    del self._points[id_]
            (folder,) = self._folders()
            share = 1 - len(self._points) / places(folder).used

    def kill(self, place: str) -> None:
        """Kill a compaction, which may find changes."""
        before = read_catalog(self._address.directory)
        is_random = place not in PLACES
        command = [sys.executable, "-m", killed_compactor.__name__, str(self._address.directory.parent)]
        with subprocess.Popen([*command, "" if is_random else place], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{BEGUN}\n"
            if is_random:
                time.sleep(self._rng.uniform(0, LONGEST_SECONDS))
                if self._rng.random() < 0.3:
                    self._change()
                if place == COPIER:
                    self._kill_children(process.pid)
                    assert process.wait(60) == 0, "a compaction that fails does no harm"
                process.kill()
            said = process.stdout.read()
        if not is_random:
            assert (said, process.returncode) == ("", -signal.SIGKILL)
        swapped = read_catalog(self._address.directory) != before
        self.tally[f"{place}, {self._moment(swapped)}" if is_random else place] += 1

    def check(self) -> None:
        """Nothing is lost, nothing is half, and nothing is left."""
        await_copier(self._address)
        with self._address.connect("images") as qdrant:
            points = qdrant.points(VERSION.name)
            held = {str(point.id): point for point in points.scroll(PARTITIONS)}
            assert {key: point.digest for key, point in held.items()} == {
                key: point.digest for key, point in self._points.items()
            }
            for key, point in held.items():
                assert np.linalg.norm(point.vector - np.array(self._points[key].vector)) <= points.rounding
            assert points.count() == len(held)
            assert qdrant.damage(VERSION.name) is None
        assert len(self._folders()) == 1

    def _change(self) -> None:
        chosen = self._rng.sample(self._population, 3)
        with self._address.connect("images") as qdrant:
            list(qdrant.collection(VERSION).upsert(chosen))
            self._points |= {point.id: point for point in chosen}

    def _kill_children(self, pid: int) -> None:
        found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
        for child in found:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def _moment(self, swapped: bool) -> str:
        if swapped:
            return "after the swap"
        return "while copying" if len(self._folders()) > 1 else "before or after"

    def _folders(self) -> list[Path]:
        return list(self._address.directory.glob("shard-*"))


def kill_often(address: EdgeAddress, seed: int, moments: list[str]) -> None:
    compacted = Compacted(address, seed)
    for moment in moments:
        compacted.wear()
        compacted.kill(moment)
        compacted.check()
    print(f"\n{sum(compacted.tally.values())} kills: {dict(sorted(compacted.tally.items()))}")


@pytest.mark.parametrize("moments", [["copied", "former closed", "former half deleted"], [ANY_TIME, COPIER]])
def test_kills_change_no_points(edge_address: EdgeAddress, moments: list[str]) -> None:
    kill_often(edge_address, 1, moments)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(5))
def test_many_kills_change_no_points(edge_address: EdgeAddress, seed: int) -> None:
    kill_often(edge_address, seed, [*PLACES, *[ANY_TIME] * 4, *[COPIER] * 3])
