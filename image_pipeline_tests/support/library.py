"""Small real libraries for tests, and the pipeline over them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from image_pipeline.collection import connection
from image_pipeline.demo.drawing import draw
from image_pipeline.demo.scenes import Scene, caption, random_scene
from image_pipeline.orchestration.ingest import Summary, open_ingestion
from image_pipeline.settings import Settings, load_settings
from image_pipeline.storage.ledger import Ledger, QuarantinedFile
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.raw_qdrant import held_points

SIZE = (120, 90)


def draw_scenes(directory: Path, count: int, seed: int = 0, ending: str = ".jpg") -> dict[str, Scene]:
    """Draw scenes into a directory, `a0.jpg` and so on; gives them by name."""
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    scenes = {}
    for number in range(count):
        scene = random_scene(rng, held_out=True)
        draw(scene, SIZE, rng).save(directory / f"a{number}{ending}")
        scenes[f"a{number}{ending}"] = scene
    return scenes


@dataclass(frozen=True)
class Pipeline:
    """The pipeline over a library of a test."""

    settings: Settings

    @classmethod
    def below(cls, directory: Path, **given: Any) -> "Pipeline":
        """The pipeline over `library` in a directory, which is made, and a store in `store`; `given` are settings."""
        (directory / "library").mkdir(exist_ok=True)
        usual = {"library": directory / "library", "home": directory / "store", "models": "bundled:embedder,none"}
        return cls(load_settings(**{**usual, **given}))

    @property
    def root(self) -> Path:
        """The library."""
        assert self.settings.library is not None
        return self.settings.library

    def ingest(self, allow_deletions: bool = False) -> Summary:
        """Bring the collection up to date."""
        with open_ingestion(self.settings) as ingestion:
            return ingestion.run(allow_deletions=allow_deletions)

    def points(self) -> dict[str, dict[str, Any]]:
        """The payloads of all points of the collection that is searched, by path."""
        points = held_points(connection.address_of(self.settings), self.settings.collection)
        return {point.payload["path"]: dict(point.payload) for point in points}

    def quarantine(self) -> list[QuarantinedFile]:
        """The files in quarantine."""
        return Ledger(Store(self.settings.home).ledger_file).quarantine()

    def with_settings(self, **changed: Any) -> "Pipeline":
        """The same library and store with other settings."""
        kept = {"library": self.settings.library, "home": self.settings.home, "models": self.settings.models}
        kept |= {"qdrant_url": self.settings.qdrant_url, "qdrant_grpc_port": self.settings.qdrant_grpc_port}
        return Pipeline(load_settings(**{**kept, **changed}))


def captions_of(directory: str, scenes: dict[str, Scene]) -> dict[str, str]:
    """What a person would say of the scenes of a directory, by path."""
    return {f"{directory}/{name}": caption(scene) for name, scene in scenes.items()}
