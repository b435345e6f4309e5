"""Compaction of a shard: a process of its own copies its points into a new shard, which then takes its place.

That takes back the space of deleted points, seals the others, so that they take less memory and less time to open, and
turns 16-bit vectors into Turbo8 ones if there are many. The process works on a snapshot, so that searches go on. The
catalogue names the one or the other shard at any time.
"""

import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from image_pipeline.collection.edge import copier
from image_pipeline.collection.edge.copies import CopyNote
from image_pipeline.collection.edge.opened import ROOM_BYTES, Opened
from image_pipeline.collection.edge.shards import EdgeError, edge_errors, end_of, places
from image_pipeline.collection.edge.turns import Turns
from image_pipeline.storage.locks import StillHeldError

TURBO_BEYOND = 300_000
"""With more points, vectors are kept as Turbo8: half the size, at an error of up to 0.012 of their length.

There is no way back to 16-bit floats, which would hold the same rounded vectors.
"""

DEAD_SHARE = 1 / 3
"""The share of the places of deleted points from which on their space is taken back."""

DEAD_PLACES = 5_000
"""With fewer places of deleted points, nothing is worth the work."""

FRESH_SHARE = 1 / 3
"""The share of the points in segments that are not sealed from which on they are sealed."""

FRESH_POINTS = 50_000
"""With fewer points that are not sealed, which take 200 MB and a second to open, it is not worth the work."""

LONG_POINTS = 20_000
"""The compaction of so many points takes more than ten seconds, and is announced."""

REPORT_SECONDS = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What to copy: `points` points of the shard in `source`, by way of a `snapshot`, into the folder `target`."""

    source: Path
    snapshot: Path
    target: Path
    points: int
    dimension: int
    is_turbo: bool


class Compaction:
    """Compacts shards in `directory`, in one process at a time."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._note = CopyNote(directory)
        self._has_told = False  # that there is too little space, which a run would repeat

    def run(self, turns: Turns[Opened], name: str) -> bool:
        """Compact the shard of a collection if it is worth it; returns whether it was done.

        Searches go on meanwhile, and so do changes, but then the copy is thrown away. If it fails, the shard stays as
        it is, and a warning is logged. Raises DamagedVersionError if the shard cannot be read.
        """
        began = time.monotonic()
        try:
            with self._note.lock() as descriptor:
                if descriptor is None:  # a different process does it
                    return False
                with turns.use() as opened:
                    job = self._job(opened, name)
                if job is None:
                    return False
                turns.end()
                try:
                    self._copy(job, descriptor)
                    with turns.use() as opened:
                        self._swap(opened, name, job)
                finally:
                    with suppress(OSError):
                        self._note.clear()
                    shutil.rmtree(job.snapshot, ignore_errors=True)
        except (EdgeError, StillHeldError, OSError) as error:
            _log.warning("The collection was not compacted, and works as before: %s.", error)
            return False
        if job.points >= LONG_POINTS:
            _log.warning("Compacted the collection in %.0f s.", time.monotonic() - began)
        return True

    def _job(self, opened: Opened, name: str) -> Job | None:
        source, is_turbo = opened.folder(name), opened.is_turbo(name)
        with edge_errors():
            opened.shard(name).flush()  # else the numbers of places are out of date
            points = opened.shard(name).info().points_count
        held = places(source)
        dead = held.used - points
        is_worn = dead >= DEAD_PLACES and dead > held.used * DEAD_SHARE
        is_fresh = held.fresh >= FRESH_POINTS and held.fresh > held.used * FRESH_SHARE
        is_large = points > TURBO_BEYOND and not is_turbo
        if not (is_worn or is_fresh or is_large):
            return None
        disk = os.statvfs(self._directory)
        if disk.f_bavail * disk.f_frsize < 2 * _allocated(source) + ROOM_BYTES:
            if not self._has_told:
                _log.warning("The collection is not compacted: that takes twice as much space again as it has.")
            self._has_told = True
            return None
        self._note.write(source.name)
        snapshot, target = opened.new_folder(), opened.new_folder()
        return Job(source, snapshot, target, points, opened.entry(name).dimension, is_turbo or is_large)

    def _copy(self, job: Job, descriptor: int) -> None:
        """Copy in a process of its own, which inherits the lock. Raises EdgeError if that fails, and leaves no copy."""
        if job.points >= LONG_POINTS:
            _log.warning("Compacting the collection of %s photographs. Searches go on.", f"{job.points:,}")
        command = copier.command(job.source, job.snapshot, job.target, job.dimension, job.is_turbo)
        try:
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                pass_fds=(descriptor,),
            ) as process:
                try:
                    assert process.stdout is not None
                    said = _follow(process.stdout, lambda done: _report(done, job.points))
                except BaseException:
                    process.kill()
                    raise
            if process.returncode != 0:
                said = end_of(said) or "its process ended"
                raise EdgeError(f"{said} (exit code {process.returncode})")
        except BaseException:
            shutil.rmtree(job.target, ignore_errors=True)
            raise

    def _swap(self, opened: Opened, name: str, job: Job) -> None:
        """Let the copy take the place of the shard. Raises EdgeError if that has changed; no copy is left then."""
        if opened.folder(name) != job.source or not self._note.is_current(job.source.name):
            shutil.rmtree(job.target, ignore_errors=True)
            raise EdgeError("it was changed meanwhile")
        opened.replace(name, job.target)


def _follow(output: IO[str], report: Callable[[int], None]) -> str:
    """Report the number of copied points from time to time; returns everything else that the process said."""
    said, reported_at = "", time.monotonic()
    for line in output:
        if not line.strip().isdigit():
            said += line
        elif time.monotonic() - reported_at >= REPORT_SECONDS:
            report(int(line))
            reported_at = time.monotonic()
    return said


def _report(done: int, points: int) -> None:
    if done < points:
        _log.warning("Compacting the collection: %s of %s photographs.", f"{done:,}", f"{points:,}")
    else:
        _log.warning("Compacting the collection: all photographs are copied, and are being indexed.")


def _allocated(folder: Path) -> int:
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*"))
