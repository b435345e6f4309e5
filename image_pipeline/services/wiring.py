"""The wiring: the only place that builds the objects of the pipeline from the settings.

Imports are in the properties that need them, so that a command imports only what it uses.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from image_pipeline.client_keys import inference_key
from image_pipeline.patches import skip_command_line_of_httpx
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.settings import Settings
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.store import Store

if TYPE_CHECKING:
    from image_pipeline.collection.address import QdrantAddress
    from image_pipeline.collection.former import Former
    from image_pipeline.imaging.pool import WorkerPool
    from image_pipeline.services.filling import Filling
    from image_pipeline.services.verifier import Verifier
    from image_pipeline.stages.decoded_tensors import Decoder
    from image_pipeline.stages.image_metadata import MetadataReader
    from image_pipeline.stages.models import Inference
    from image_pipeline.stages.partition_points import Provenance
    from image_pipeline.stages.unchanged import Unchanged
    from image_pipeline.storage.cache import ContentCache
    from image_pipeline.storage.tables import StageTables

WALL_SECONDS_PER_SECOND = 10
"""Seconds of elapsed time that are allowed per second of processor time: the machine may be busy with other work."""


@dataclass(frozen=True)
class Wiring:
    """The objects for `settings`. None opens a connection, starts a process or loads a model when it is built."""

    settings: Settings

    @property
    def store(self) -> Store:
        """The store, created if it does not exist. Raises SettingsError and StoreError as `Store.prepare` does."""
        store = Store(self.settings.home)
        store.prepare(self.settings.library)
        return store

    @property
    def ledger(self) -> Ledger:
        """The ledger: what was ingested, and the quarantine."""
        return Ledger(self.store.ledger_file)

    @property
    def tables(self) -> "StageTables":
        """The stage tables."""
        from image_pipeline.storage.tables import StageTables

        return StageTables(self.store)

    @property
    def cache(self) -> "ContentCache":
        """The content cache."""
        from image_pipeline.storage.cache import ContentCache

        return ContentCache(self.store.cache_file)

    @property
    def library_root(self) -> Path:
        """The root of the library. Raises SettingsError or LibraryError if there is none, or it cannot be read."""
        from image_pipeline.storage.library_binding import open_library

        return open_library(self.settings.library, self.ledger)

    @property
    def address(self) -> "QdrantAddress":
        """The address of Qdrant: a server, or the embedded one in the store, which is created if it does not exist.

        The embedded one takes over the collections of the former embedded Qdrant when it is first opened.
        """
        from image_pipeline.collection.connection import address_of

        return address_of(self.settings, self._former(self.store))

    def _former(self, store: Store) -> "Former | None":
        """The former embedded Qdrant; None if the store has none, as most do."""
        if not store.qdrant_directory.is_dir():
            return None
        from image_pipeline.services.takeover import FormerCollection

        return FormerCollection(store.qdrant_directory, self.filling)

    @property
    def filling(self) -> "Filling":
        """Fills versions of the collection from the stage tables."""
        from image_pipeline.services.filling import Filling

        return Filling(self.tables, self.ledger, lambda: (self.recipe, self.provenance().versions))

    @property
    def models(self) -> "Inference":
        """The models, here or in the inference service: the same objects in the whole process.

        Raises SettingsError if the setting cannot be understood.
        """
        from image_pipeline.stages.models import load_inference

        settings = self.settings
        if settings.inference_url is not None:
            skip_command_line_of_httpx()
            from image_pipeline.stages.remote_inference import remote_inference

            named = settings.models if "models" in settings.model_fields_set else None
            return remote_inference(settings.inference_url, inference_key(settings), named, self.store.home)
        return load_inference(self.settings.models, self.settings.dtype, self.store.home)

    @property
    def recipe(self) -> str:
        """The recipe: a hash of the versions of all stages. Raises ModelError if a model's configuration is missing."""
        from image_pipeline.stages.registry import recipe

        return recipe(self.models, self.settings.damaged)

    @property
    def unchanged(self) -> "Unchanged":
        """Finds the partitions for which no stage has anything to do. Raises as `recipe` does."""
        from image_pipeline.stages.unchanged import Unchanged

        return Unchanged(self.recipe, self.tables, self.ledger.entries())

    def provenance(self, run_id: str = "", at: str = "") -> "Provenance":
        """The origin of the points of a run at the time `at` (ISO 8601, UTC). Raises as `recipe` does."""
        from image_pipeline.stages.partition_points import Provenance
        from image_pipeline.stages.registry import versions

        return Provenance(versions(self.models), run_id, at)

    @property
    def processes(self) -> int:
        """The number of worker processes, and of threads that read files."""
        return self.settings.workers or len(os.sched_getaffinity(0))

    @property
    def limits(self) -> DecodeLimits:
        """The limits for decoding one file."""
        settings = self.settings
        wall_seconds = max(DecodeLimits().wall_seconds, WALL_SECONDS_PER_SECOND * settings.decode_seconds)
        return DecodeLimits(settings.decode_seconds, settings.decode_memory, settings.decode_pixels, wall_seconds)

    def worker_pool(self) -> "WorkerPool":
        """Worker processes, which are started at the first file."""
        from image_pipeline.imaging.pool import WorkerPool

        return WorkerPool(self.limits, self.processes)

    def decoder(self, pool: "WorkerPool") -> "Decoder":
        """A decoder that uses the processes of `pool`. Raises as `recipe` does."""
        from image_pipeline.stages.decoded_tensors import Decoder
        from image_pipeline.stages.registry import input_specs

        specs = input_specs(self.models)
        return Decoder.of(pool, self.store, self.cache, self.ledger, self.limits, specs, self.settings.damaged)

    def metadata_reader(self, pool: "WorkerPool") -> "MetadataReader":
        """A metadata reader that uses the processes of `pool`."""
        from image_pipeline.stages.image_metadata import MetadataReader

        return MetadataReader.of(pool, self.cache, self.ledger, self.limits)

    @property
    def verifier(self) -> "Verifier":
        """The verifier of library, store and collection.

        Raises SettingsError or LibraryError if there is no library, ModelError if a model's configuration is missing.
        """
        from image_pipeline.services.verifier import Verifier

        return Verifier(
            root=self.library_root,
            tables=self.tables,
            ledger=self.ledger,
            address=self.address,
            alias=self.settings.collection,
            provenance=self.provenance(),
            recipe=self.recipe,
            partition_size=self.settings.partition_size,
            threads=self.processes,
        )
