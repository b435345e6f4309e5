"""The resources of the assets: thin wrappers around the objects of the wiring. None loads a model when it is set up.

None takes any run config. So only the settings of the process decide where the store is, which Qdrant is written to and
which environment variables are read, and a user who launches a run cannot change that.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import PrivateAttr

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.imaging.pool import WorkerPool
from image_pipeline.orchestration.partitions import own_range
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.services.renewal import renew
from image_pipeline.services.verifier import Verifier
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.stages.decoded_tensors import Decoder
from image_pipeline.stages.image_metadata import MetadataReader
from image_pipeline.stages.models import Inference
from image_pipeline.stages.partition_points import Provenance
from image_pipeline.stages.unchanged import Unchanged
from image_pipeline.storage.cache import ContentCache
from image_pipeline.storage.claims import claiming
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.locks import exclusive_lock
from image_pipeline.storage.partition_claims import PartitionClaims
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables
from image_pipeline.traces import SERVICE, start_traces, work


class _Fixed(dg.ConfigurableResource):
    """A resource built from the settings. They are a dependency, because run config could override a field."""

    settings: dg.ResourceDependency[Settings]

    @property
    def _wiring(self) -> Wiring:
        return Wiring(self.settings)


class StoreResource(_Fixed):
    """The store, and the library that it belongs to."""

    _claims: PartitionClaims = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["StoreResource"]:
        """Claim the run for this process, so that other processes see whether it is still running."""
        if context.run is None:  # a sensor uses the resource
            yield self
            return
        start_traces(self.settings.traces, SERVICE)
        store, run_id = self.store, context.run.run_id
        with (
            claiming(store.runs_directory / run_id),
            PartitionClaims(store, run_id) as self._claims,
            own_range(),
            work(run_id, f"run {context.run.job_name}"),
        ):
            yield self

    @property
    def claims(self) -> PartitionClaims:
        """The claims of the run on its partitions, until it ends."""
        return self._claims

    @property
    def store(self) -> Store:
        """The store, created if it does not exist. Raises SettingsError and StoreError as `Store.prepare` does."""
        return self._wiring.store

    @property
    def tables(self) -> StageTables:
        """The stage tables."""
        return self._wiring.tables

    @property
    def ledger(self) -> Ledger:
        """The ledger: what was ingested, and the quarantine."""
        return self._wiring.ledger

    @property
    def cache(self) -> ContentCache:
        """The content cache."""
        return self._wiring.cache

    @property
    def unchanged(self) -> Unchanged:
        """Finds the partitions for which no stage has anything to do. Raises as `InferenceResource.recipe` does."""
        return self._wiring.unchanged

    @property
    def library_root(self) -> Path:
        """The root of the library. Raises SettingsError or LibraryError if there is none, or it cannot be read."""
        return self._wiring.library_root

    @property
    def partition_size(self) -> int:
        """The maximum number of files in one partition."""
        return self.settings.partition_size

    @property
    def settle_seconds(self) -> float:
        """Seconds for which a directory must have been quiet before the sensor ingests it."""
        return self.settings.settle_seconds

    @property
    def deletion_share(self) -> float:
        """The share of the library's files, 0 to 1, that may disappear at a time."""
        return self.settings.deletion_share

    @property
    def keep_decoded_tensors(self) -> bool:
        """Whether decoded tensors are kept after indexing."""
        return self.settings.keep_decoded_tensors


class DecodingResource(_Fixed):
    """Worker processes that decode images and read metadata, within limits for each file.

    They are started at the first file of a run, and serve all of its stages until it ends.
    """

    _pool: WorkerPool = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:
        """The resource for the length of a run."""
        with self._wiring.worker_pool() as self._pool:
            yield self

    @property
    def processes(self) -> int:
        """The number of worker processes."""
        return self._wiring.processes

    @property
    def limits(self) -> DecodeLimits:
        """The limits for decoding one file."""
        return self._wiring.limits

    @property
    def pool(self) -> WorkerPool:
        """The workers of the run."""
        return self._pool

    @property
    def decoder(self) -> Decoder:
        """A decoder that uses the workers of the run. Raises as `InferenceResource.recipe` does."""
        return self._wiring.decoder(self._pool)

    @property
    def metadata_reader(self) -> MetadataReader:
        """A metadata reader that uses the workers of the run."""
        return self._wiring.metadata_reader(self._pool)


class InferenceResource(_Fixed):
    """Batched inference on the best device. Each model is loaded at its first batch, once per process."""

    @property
    def pipeline(self) -> Inference:
        """The models. Raises SettingsError if the setting cannot be understood."""
        return self._wiring.models

    @property
    def recipe(self) -> str:
        """The recipe: a hash of the versions of all stages. Raises ModelError if a model's configuration is missing."""
        return self._wiring.recipe

    def provenance(self, run_id: str, at: str) -> Provenance:
        """The origin of the points of a run at the time `at` (ISO 8601, UTC). Raises as `recipe` does."""
        return self._wiring.provenance(run_id, at)

    @contextmanager
    def device_lock(self) -> Iterator[None]:
        """Hold the device for the length of the block; waits while a different process of this store uses it.

        The kernel releases this lock when its holder ends. A slot in one of Dagster's pools would stay taken for ever
        after a run's process was killed, and every later run would wait for it. Raises StoreError if the file cannot be
        locked.
        """
        if not self.pipeline.uses_this_machine:
            yield
            return
        with exclusive_lock(self._wiring.store.device_lock_file, "the device that models run on"):
            yield


class QdrantResource(_Fixed):
    """The address of Qdrant, and the name under which the collection is searched."""

    @property
    def address(self) -> QdrantAddress:
        """The address of Qdrant."""
        return self._wiring.address

    @property
    def alias(self) -> str:
        """The name under which the collection is searched."""
        return self.settings.collection

    def renew(self, seconds: float) -> bool:
        """Bring the collection into its present form; False if `seconds` were not enough. Raises as `renew` does."""
        return renew(self._wiring, seconds)

    @property
    def verifier(self) -> Verifier:
        """The verifier of library, store and collection. Raises as `Wiring.verifier` does."""
        return self._wiring.verifier


def make_resources(settings: Settings) -> dict[str, dg.ConfigurableResource]:
    """The resources for `settings`."""
    return {
        "store": StoreResource(settings=settings),
        "decoding": DecodingResource(settings=settings),
        "inference": InferenceResource(settings=settings),
        "qdrant": QdrantResource(settings=settings),
    }
