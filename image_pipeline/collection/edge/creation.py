"""Creation of a shard in a process of its own, which a full disk may end.

Qdrant Edge maps new files of several megabytes into memory, and writes to them at once: nothing can take their space
from the disk beforehand, as `holes` does for those that are there. Writing to them on a full disk ends the process.

`python -m image_pipeline.collection.edge.creation FOLDER DIMENSION` prints what is wrong, and exits with 1, if the
shard cannot be created.
"""

import signal
import subprocess
import sys
from pathlib import Path

from image_pipeline.collection.edge.shards import EdgeError, create_shard, edge_errors, end_of, full_disk


def create_apart(folder: Path, dimension: int) -> None:
    """Create a shard in `folder`, as `create_shard` does, in a different process.

    Raises OSError (ENOSPC) if the disk becomes full meanwhile, EdgeError if it cannot be created.
    """
    command = [sys.executable, "-P", "-m", __name__, str(folder), str(dimension)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if -done.returncode == signal.SIGBUS:
        raise full_disk(folder)
    if done.returncode != 0:
        said = end_of(done.stdout + done.stderr)
        raise EdgeError(f"no shard could be created in {folder} (exit code {done.returncode}): {said}")


def main() -> None:
    """Create what the arguments name."""
    try:
        shard = create_shard(Path(sys.argv[1]), int(sys.argv[2]))
        with edge_errors():
            shard.flush()
            shard.close()
    except EdgeError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
