"""Damaged files through a real pool, and what is counted meanwhile."""

import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from image_pipeline.imaging.pool import DecodeFailure, DecodeOutcome, DecodeTask, WorkerPool
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline_tests.hostile.mutations import MutatedFile

LIMITS = DecodeLimits(seconds=15, address_space_bytes=1 << 30, pixels=50_000_000)
_KIB = 1 << 10


@dataclass
class Census:
    """What came of the files: the reasons (`decoded` for none), and the most that processes took meanwhile."""

    outcomes: dict[str, DecodeOutcome | DecodeFailure] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    twice: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    parent_growth_bytes: int = 0
    worker_bytes: int = 0


def take_census(files: Iterable[MutatedFile], directory: Path, workers: int = 2) -> Census:
    """Decode `files`, which are written as they are wanted and deleted when they are done.

    Asserts that the thumbnail of each decoded one is a picture of the right shape.
    """
    census = Census()
    written: dict[str, float] = {}

    def tasks() -> Iterator[DecodeTask]:
        for file in files:
            (directory / file.name).write_bytes(file.content)
            written[file.name] = time.monotonic()
            yield DecodeTask(file.name, directory / file.name, None, directory / f"{file.name}.webp")

    before = memory(os.getpid(), "VmRSS")
    with WorkerPool(LIMITS, workers=workers) as pool:
        for outcome in pool.decode(tasks()):
            if outcome.key in census.outcomes:
                census.twice.append(outcome.key)
            census.outcomes[outcome.key] = outcome
            census.reasons[outcome.reason if isinstance(outcome, DecodeFailure) else "decoded"] += 1
            census.slowest_s = max(census.slowest_s, time.monotonic() - written[outcome.key])
            census.parent_growth_bytes = max(census.parent_growth_bytes, memory(os.getpid(), "VmRSS") - before)
            census.worker_bytes = max([census.worker_bytes, *(memory(pid, "VmPeak") for pid in pool.worker_pids)])
            if isinstance(outcome, DecodeOutcome):
                _check_thumbnail(directory / f"{outcome.key}.webp", outcome)
            (directory / outcome.key).unlink()
    return census


def memory(pid: int, entry: str) -> int:
    """Memory of a process in bytes: `VmRSS` what it has now, `VmPeak` the most address space; 0 where it is gone."""
    try:
        found = re.search(rf"^{entry}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * _KIB if found else 0


def _check_thumbnail(path: Path, outcome: DecodeOutcome) -> None:
    assert outcome.width > 0 and outcome.height > 0
    with Image.open(path) as image:
        image.load()
        scale = min(1.0, 320 / max(outcome.width, outcome.height))
        expected = max(1, round(outcome.width * scale)), max(1, round(outcome.height * scale))
        assert image.format == "WEBP" and image.size == expected
    path.unlink()
