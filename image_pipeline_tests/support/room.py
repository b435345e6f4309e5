"""A small disk of its own for stores, that really fills."""

import errno
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self


class Room:
    """A tmpfs of `megabytes` at `directory`; a plain folder, which cannot be filled, where none may be mounted."""

    def __init__(self, directory: Path, megabytes: int) -> None:
        self.directory, self._megabytes = directory, megabytes
        self.is_small = False

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={self._megabytes}m", "image-pipeline-test", str(self.directory)]
        with suppress(FileNotFoundError):
            self.is_small = subprocess.run(command, capture_output=True).returncode == 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_small:
            subprocess.run(["umount", "--lazy", self.directory], check=True)

    @property
    def _filler(self) -> Path:
        return self.directory / "filler"

    def fill(self, left_bytes: int) -> None:
        """Fill it, but for `left_bytes`."""
        with self._filler.open("wb") as file:
            while True:
                status = os.statvfs(self.directory)
                try:
                    os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail * status.f_frsize - left_bytes))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    continue  # a run took some of it meanwhile
                return

    def make_space(self) -> None:
        """Undo `fill`."""
        self._filler.unlink(missing_ok=True)
