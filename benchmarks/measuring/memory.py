"""Peak memory and disk space of a tree of processes, sampled while it runs."""

import os
import threading
from dataclasses import dataclass
from pathlib import Path

OFTEN, SELDOM = 0.25, 1.0
"""Seconds between two samples, each of which takes a few ms. `OFTEN` is for cases that measure memory."""


@dataclass
class Peak:
    """The maximum of each quantity over all samples, in bytes.

    `pss_bytes` is the sum of the processes' proportional set sizes: a page that several processes share, of a library
    or a mapped file, is counted once. `anonymous_bytes` is the part that is not backed by a file. `disk_bytes` is the
    space of the allocated blocks in the watched folder.
    """

    pss_bytes: int = 0
    anonymous_bytes: int = 0
    disk_bytes: int = 0


class Sampler:
    """Samples a process with its descendants, and a folder, until it is stopped."""

    def __init__(self, pid: int, folder: Path | None = None, every: float = SELDOM) -> None:
        """Prepare to sample the process `pid` and `folder`; `every` is the time between two samples, in s."""
        self._pid, self._folder, self._every = pid, folder, every
        self.peak = Peak()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Start sampling."""
        self._thread.start()

    def stop(self) -> Peak:
        """Stop sampling; returns the maximums."""
        self._stopped.set()
        self._thread.join()
        return self.peak

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            sizes = [held_bytes(pid) for pid in process_tree(self._pid)]
            self.peak.pss_bytes = max(self.peak.pss_bytes, sum(pss for pss, _ in sizes))
            self.peak.anonymous_bytes = max(self.peak.anonymous_bytes, sum(anonymous for _, anonymous in sizes))
            if self._folder is not None:
                self.peak.disk_bytes = max(self.peak.disk_bytes, allocated_bytes(self._folder))


def process_tree(pid: int) -> list[int]:
    """A process and its living descendants."""
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
    """The disk space of the files below a folder; files that disappear meanwhile do not count."""
    total = 0
    for directory, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(directory, name), follow_symlinks=False).st_blocks * 512
            except OSError:
                continue
    return total


def held_bytes(pid: int) -> tuple[int, int]:
    """The proportional set size of a process, and its anonymous part, in bytes; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    values = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}
    return values.get("Pss", 0), values.get("Pss_Anon", 0)
