"""A Qdrant server that can be killed."""

from image_pipeline_tests.qdrant_server import QdrantServer


class KillableServer(QdrantServer):
    """A server that has no time to put its affairs in order."""

    def kill(self) -> None:
        """Kill it, as `kill -9` does; it is to be stopped all the same."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
