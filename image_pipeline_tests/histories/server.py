"""A Qdrant server that can be killed."""

import shutil

from benchmarks.qdrant_server import QdrantServer


class KillableServer(QdrantServer):
    """A server that has no time to put its affairs in order."""

    def start_again(self) -> bool:
        """Start it; False where it cannot read what it has written itself, and had to begin with nothing.

        Qdrant 1.17 panics now and then over its own write-ahead log ("Can't deserialize entry, probably corrupted
        WAL"), also after a stop in good order. To the pipeline that is a Qdrant that was lost.
        """
        try:
            self.start()
        except RuntimeError as error:
            if "corrupted WAL" not in str(error):
                raise
            shutil.rmtree(self._directory / "storage")
            self._log.unlink()
            self.start()
            return False
        return True

    def kill(self) -> None:
        """Kill it, as `kill -9` does; it is to be stopped all the same."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
