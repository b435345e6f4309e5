"""A run of the bench: sizes, folders, a Qdrant server, and the commands of the pipeline."""

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
    """An ingested library, the settings of its store and collection, and the measurements of the ingestion."""

    library: Path
    settings: dict[str, str]
    measured: Measured

    @property
    def home(self) -> Path:
        """The store."""
        return Path(self.settings["IMAGE_PIPELINE_HOME"])


@dataclass
class Bench:
    """A run of the bench. `work` is a folder for stores; `photographs` is a user's folder for the fidelity case.

    `speed` is the speed of the machine during the current case.
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
        """The number of repeats of a case without a target: one less, but at least two if repeats are requested."""
        return max(min(2, self.repeats), self.repeats - 1)

    def often(self, times: int) -> int:
        """The number of repeats of a short run, which varies as much as the difference to measure: `times` as many."""
        return times * self.repeats if self.repeats > 1 else 1

    @property
    def seldom(self) -> int:
        """The number of repeats of a run that takes minutes."""
        return max(min(2, self.repeats), self.repeats // 3)

    @property
    def qdrant(self) -> str:
        """Which Qdrant the pipeline writes to, for the report."""
        if self.server is None:
            return "embedded, because no server was found (see `make qdrant`); its cost is part of the figures"
        return "server on this machine, with its files on disk"

    def new_folder(self) -> Path:
        """The path of a new folder, which is not created."""
        return self.work / f"{next(self._numbers):04d}"

    def settings(self, models: str) -> dict[str, str]:
        """The settings of a new store and a new collection."""
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
        """`process.measure`, after measuring the speed of the machine."""
        self.speed.look()
        return measure(command, settings, **how)

    def ingest(self, library: Path, settings: dict[str, str], every: float = SELDOM) -> Measured:
        """Measure `image-pipeline ingest`, as a user runs it. Raises ProgramFailedError if it fails."""
        command = installed_program("image-pipeline", "ingest", str(library), "--json")
        tensors = Path(settings["IMAGE_PIPELINE_HOME"]) / "tensors"
        return self.measure(command, settings, watched=tensors, every=every)

    def ingest_again(self, library: Path, models: str, every: float = SELDOM) -> Ingested:
        """Ingest a library into a new store. Raises RuntimeError unless every file becomes a point."""
        settings = self.settings(models)
        measured = self.ingest(library, settings, every)
        summary = measured.answer
        if summary["quarantined"] or not summary["indexed"]:
            raise RuntimeError(f"{library}: {summary}")
        return Ingested(library, settings, measured)

    def first_ingest(self, library: Path, models: str, every: float = SELDOM) -> Measured:
        """Measure a first ingestion, and delete its store and collection."""
        ingested = self.ingest_again(library, models, every)
        self.discard(ingested)
        return ingested.measured

    def captions(self, ingested: Ingested) -> dict[str, str]:
        """The captions in the collection of a library of up to 1000 photographs, all different, by path."""
        search = installed_program("image-pipeline", "search", "a photograph", "--all", "--limit", "1000", "--json")
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
    """A bench with a Qdrant server, if its program is installed."""
    bench = Bench(sizes, repeats, work, photographs)
    binary = find_binary()
    if binary is None:
        yield bench
        return
    with QdrantServer(binary, work / "server") as server:
        bench.server = server
        yield bench
