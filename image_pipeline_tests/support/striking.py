"""Signals to a worker at the moment at which it has a certain file in hand."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_pipeline.imaging.pool import WorkerPool


class Striker(threading.Thread):
    """Sends `signals`, one to each worker that opens `path`, as soon as it does; `beside` are the files that other
    workers had open at each strike."""

    def __init__(self, pool: WorkerPool, path: Path, signals: list[signal.Signals]) -> None:
        super().__init__(daemon=True)
        self.struck: list[int] = []
        self.beside: list[set[Path]] = []
        self._pool, self._path, self._signals = pool, path, list(signals)
        self._stopped = threading.Event()

    def run(self) -> None:
        while self._signals and not self._stopped.is_set():
            time.sleep(0.01)
            for pid in self._pool.worker_pids:
                if pid not in self.struck and self._path in open_files(pid):
                    self.struck.append(pid)
                    beside = (open_files(other) for other in self._pool.worker_pids if other != pid)
                    self.beside.append({path for paths in beside for path in paths if path.parent == self._path.parent})
                    os.kill(pid, self._signals.pop(0))
                    break

    def stop(self) -> None:
        self._stopped.set()
        self.join()


@contextmanager
def striking(pool: WorkerPool, path: Path, *signals: signal.Signals) -> Iterator[Striker]:
    """A striker that is there for a while."""
    striker = Striker(pool, path, list(signals))
    striker.start()
    try:
        yield striker
    finally:
        striker.stop()


def open_files(pid: int) -> set[Path]:
    """The files that a process has open; none where it is gone."""
    try:
        return {descriptor.readlink() for descriptor in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()
