"""What a tree of processes takes of memory and disk, looked at again and again while it runs."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

OFTEN, SELDOM = 0.25, 1.0
"""Seconds between two looks, each of which takes some ms: often where memory is what is measured."""


@dataclass
class Peak:
    """The most that was seen at any time, in bytes.

    `pss_bytes` is the sum of the processes' proportional set sizes: a page that several share, of a library or of a
    mapped file, is counted once. `anonymous_bytes` is the part of it that no file stands behind. `disk_bytes` is what
    the watched folder held, in blocks that are really taken.
    """

    pss_bytes: int = 0
    anonymous_bytes: int = 0
    disk_bytes: int = 0


class Sampler:
    """Looks at a process and all that it starts, and at a folder, until it is stopped."""

    def __init__(self, pid: int, folder: Path | None = None, every: float = SELDOM) -> None:
        """`every` is the time between two looks, in s."""
        self._pid, self._folder, self._every = pid, folder, every
        self.peak = Peak()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> Peak:
        """LibrarySnapshot no more; gives what was seen."""
        self._stopped.set()
        self._thread.join()
        return self.peak

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            sizes = [_rollup(pid) for pid in process_tree(self._pid)]
            self.peak.pss_bytes = max(self.peak.pss_bytes, sum(pss for pss, _ in sizes))
            self.peak.anonymous_bytes = max(self.peak.anonymous_bytes, sum(anonymous for _, anonymous in sizes))
            if self._folder is not None:
                self.peak.disk_bytes = max(self.peak.disk_bytes, allocated_bytes(self._folder))


def process_tree(pid: int) -> list[int]:
    """A process and its descendants that live."""
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        found.append(parent)
        try:
            for thread in os.scandir(f"/proc/{parent}/task"):
                waiting += [int(child) for child in Path(thread.path, "children").read_text().split()]
        except OSError:  # it ended meanwhile
            continue
    return found


def allocated_bytes(folder: Path) -> int:
    """What the files below a folder take on disk; those that vanish meanwhile count nothing."""
    total = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(directory, name), follow_symlinks=False).st_blocks * 512
            except OSError:
                continue
    return total


def _rollup(pid: int) -> tuple[int, int]:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it ended meanwhile
        return 0, 0
    values = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
    return values.get("Pss", 0), values.get("Pss_Anon", 0)
