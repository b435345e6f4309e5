"""The two Qdrants that are compared: the embedded one and a server, each with its files in a folder of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from benchmarks.qdrant_server import QdrantServer, find_binary
from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.collection import CollectionVersion
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.server import ServerAddress

DIMENSION = 768
VERSION = CollectionVersion("bench", "embedding made@bench", "0" * 16, DIMENSION, "made", "auto")
"""The version of the collection that holds the points."""


class EngineKind(StrEnum):
    """Which Qdrant."""

    EMBEDDED = "embedded"
    SERVER = "server"


@dataclass(frozen=True)
class RunningEngine:
    """A Qdrant that can be connected to, and the process that has its memory: this one, if it is embedded."""

    address: QdrantAddress
    pid: int


@contextmanager
def running_engine(kind: EngineKind, folder: Path) -> Iterator[RunningEngine]:
    """A Qdrant with its files in `folder`. A server is started, and stopped at the end of the block.

    Raises RuntimeError if there is no program of a server, or if it does not start.
    """
    if kind is EngineKind.EMBEDDED:
        yield RunningEngine(EdgeAddress(folder / "qdrant-edge", folder / "qdrant.lock"), os.getpid())
        return
    binary = find_binary()
    if binary is None:
        raise RuntimeError("no Qdrant server was found: run `make qdrant`")
    with QdrantServer(binary, folder) as server:
        yield RunningEngine(ServerAddress(server.url, server.grpc_port), server.pid)
