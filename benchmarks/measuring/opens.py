"""The files of a library that a command opens, according to strace, in a separate run that is not timed."""

import re
import shutil
import tempfile
from pathlib import Path

from benchmarks.bench import Ingested
from benchmarks.measuring.process import measure

# with -y, strace prints the path after the descriptor; opened directories do not count, because they are only listed
_OPENED = re.compile(r"\bopen(?:at2?)?\(.*= \d+<(?P<path>.*)>$")


def opened_files(command: list[str], ingested: Ingested) -> list[str] | None:
    """The files of the library that `command` and its child processes open; None if strace is not installed."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    root = str(ingested.library.resolve())
    home = str(ingested.home / "dagster")
    settings = {**ingested.settings, "IMAGE_LIBRARY": str(ingested.library), "DAGSTER_HOME": home}
    with tempfile.NamedTemporaryFile("r", errors="replace") as log:
        options = ["-f", "-qq", "-y", "--seccomp-bpf", "-e", "trace=open,openat,openat2", "-o", log.name]
        measure([strace, *options, *command], settings)
        found = []
        for line in log:
            match = _OPENED.search(line.rstrip())
            if match and match["path"].startswith(f"{root}/") and "O_DIRECTORY" not in line:
                found.append(str(Path(match["path"]).relative_to(root)))
    return found
