"""What the cases share: sizes, folders, a Qdrant server, and the pipeline's own commands."""

import contextlib
import itertools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measuring.memory import SELDOM
from benchmarks.measuring.process import Measured, installed_program, measure
from benchmarks.measuring.speed import Speed
from benchmarks.qdrant_server import QdrantServer, find_binary
from benchmarks.sizes import Sizes


@dataclass(frozen=True)
class Ingested:
    """A library that was ingested: into which store and collection, and what that took."""

    library: Path
    settings: dict[str, str]
    measured: Measured

    @property
    def home(self) -> Path:
        """The store."""
        return Path(self.settings["IMAGE_PIPELINE_HOME"])


@dataclass
class Bench:
    """A run of the bench. `work` is a folder for stores; `photographs` are further ones, of a user, to be true to.

    `speed` is what was seen of the machine's own, in the case that is being measured.
    """

    sizes: Sizes
    repeats: int
    work: Path
    photographs: Path | None = None
    server: QdrantServer | None = None
    speed: Speed = field(default_factory=Speed)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def fewer_repeats(self) -> int:
        """How often what has no target is repeated: where repeats are asked for at all, often enough for a spread."""
        return max(min(2, self.repeats), self.repeats - 1)

    def often(self, times: int) -> int:
        """How often what takes seconds, and varies by as much as is looked for, is repeated: `times` as often."""
        return times * self.repeats if self.repeats > 1 else 1

    @property
    def seldom(self) -> int:
        """How often what takes minutes is repeated."""
        return max(min(2, self.repeats), self.repeats // 3)

    @property
    def qdrant(self) -> str:
        """Which Qdrant the pipeline writes to, for the report."""
        if self.server is None:
            return "embedded: no server was found (`make qdrant`), and its cost is part of the figures"
        return "server, on this machine, its files on disk"

    def new_folder(self) -> Path:
        """A folder that is not there yet."""
        return self.work / f"{next(self._numbers):04d}"

    def settings(self, models: str) -> dict[str, str]:
        """The settings of a store and a collection that are not there yet."""
        home = self.new_folder()
        chosen = {
            "IMAGE_PIPELINE_HOME": str(home),
            "IMAGE_PIPELINE_MODELS": models,
            "IMAGE_PIPELINE_COLLECTION": f"bench{home.name}",
        }
        if self.server is not None:
            chosen |= {"QDRANT_URL": self.server.url, "QDRANT_GRPC_PORT": str(self.server.grpc_port)}
        return chosen

    def measure(self, command: Sequence[str], settings: Mapping[str, str] | None = None, **how: Any) -> Measured:
        """`process.measure`, after a look at the machine's speed."""
        self.speed.look()
        return measure(command, settings, **how)

    def ingest(self, library: Path, settings: dict[str, str], every: float = SELDOM) -> Measured:
        """`image-pipeline ingest`, as a user runs it. Raises ProgramFailedError where it fails."""
        command = installed_program("image-pipeline", "ingest", str(library), "--json")
        tensors = Path(settings["IMAGE_PIPELINE_HOME"]) / "tensors"
        return self.measure(command, settings, watched=tensors, every=every)

    def ingest_anew(self, library: Path, models: str, every: float = SELDOM) -> Ingested:
        """Ingest a library into a new store; every file must have become a point."""
        settings = self.settings(models)
        measured = self.ingest(library, settings, every)
        summary = measured.answer
        if summary["quarantined"] or not summary["indexed"]:
            raise RuntimeError(f"{library}: {summary}")
        return Ingested(library, settings, measured)

    def first_ingest(self, library: Path, models: str, every: float = SELDOM) -> Measured:
        """What a first ingest takes; nothing of it is kept."""
        ingested = self.ingest_anew(library, models, every)
        self.discard(ingested)
        return ingested.measured

    def captions(self, ingested: Ingested) -> dict[str, str]:
        """The captions in the collection of a library of up to 1000 photographs, all different, by path."""
        search = installed_program("image-pipeline", "search", "a photograph", "--limit", "1000", "--json")
        hits = measure(search, ingested.settings).answer
        return {hit["path"]: hit["caption"] for hit in hits}

    def discard(self, ingested: Ingested) -> None:
        """Delete a store and its collection."""
        shutil.rmtree(ingested.home, ignore_errors=True)
        if self.server is not None:
            self.delete_collections(ingested.settings["IMAGE_PIPELINE_COLLECTION"])

    def delete_collections(self, alias: str) -> None:
        """Delete the versions of a collection from the server."""
        from qdrant_client import QdrantClient

        assert self.server is not None
        client = QdrantClient(url=self.server.url, check_compatibility=False)
        for collection in client.get_collections().collections:
            if collection.name.startswith(f"{alias}-"):
                client.delete_collection(collection.name)
        client.close()


@contextlib.contextmanager
def running_bench(sizes: Sizes, repeats: int, work: Path, photographs: Path | None) -> Iterator[Bench]:
    """A bench with a server, where there is the program of one."""
    bench = Bench(sizes, repeats, work, photographs)
    binary = find_binary()
    if binary is None:
        yield bench
        return
    with QdrantServer(binary, work / "server") as server:
        bench.server = server
        yield bench
