"""The resources of the assets: thin wrappers of the library's objects. None loads a model when it is set up.

None takes any configuration, so that a run does what the settings of its process say, and not what whoever launches it
writes into its run config: where the store is, which Qdrant is written to, or which environment variable is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import PrivateAttr

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.imaging.pool import WorkerPool
from image_pipeline.orchestration.partitions import range_of_its_own
from image_pipeline.schema.limits import DecodeLimits
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


class _Fixed(dg.ConfigurableResource):
    """A resource made of the settings. They are a dependency, which, unlike a field, no run config can set."""

    settings: dg.ResourceDependency[Settings]

    @property
    def _wiring(self) -> Wiring:
        return Wiring(self.settings)


class StoreResource(_Fixed):
    """The store, and the library that it belongs to."""

    _claims: PartitionClaims = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["StoreResource"]:
        """Claim the run for its process, so that others see whether it still goes on."""
        if context.run is None:  # a sensor's
            yield self
            return
        store, run_id = self.store, context.run.run_id
        with (
            claiming(store.runs_directory / run_id),
            PartitionClaims(store, run_id) as self._claims,
            range_of_its_own(),
        ):
            yield self

    @property
    def claims(self) -> PartitionClaims:
        """The partitions that the run has for itself until it ends."""
        return self._claims

    @property
    def store(self) -> Store:
        """The store, made if it is not there yet. Raises SettingsError and StoreError as `Store.prepare` does."""
        return self._wiring.store

    @property
    def tables(self) -> StageTables:
        """The stage tables."""
        return self._wiring.tables

    @property
    def ledger(self) -> Ledger:
        """What was ingested, and the quarantine."""
        return self._wiring.ledger

    @property
    def cache(self) -> ContentCache:
        """Values by content."""
        return self._wiring.cache

    @property
    def unchanged(self) -> Unchanged:
        """The partitions that no stage has anything to make of. Raises as `InferenceResource.recipe` does."""
        return self._wiring.unchanged

    @property
    def library_root(self) -> Path:
        """The root of the library. Raises SettingsError or LibraryError if there is none to read."""
        return self._wiring.library_root

    @property
    def partition_size(self) -> int:
        """Files in one partition, at most."""
        return self.settings.partition_size

    @property
    def settle_seconds(self) -> float:
        """Seconds for which a directory must have been quiet before the sensor ingests it."""
        return self.settings.settle_seconds

    @property
    def deletion_share(self) -> float:
        """The share of the library that may vanish at once."""
        return self.settings.deletion_share

    @property
    def keep_decoded_tensors(self) -> bool:
        """Whether decoded tensors stay once they are indexed."""
        return self.settings.keep_decoded_tensors


class DecodingResource(_Fixed):
    """Worker processes that decode images and read metadata, within limits for each file.

    They are started at the first file of a run, and serve its stages one after the other until it ends.
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
        """What one file may cost."""
        return self._wiring.limits

    @property
    def decoder(self) -> Decoder:
        """Decodes images in the workers of the run. Raises as `InferenceResource.pipeline` does."""
        return self._wiring.decoder(self._pool)

    @property
    def metadata_reader(self) -> MetadataReader:
        """Reads metadata in the workers of the run."""
        return self._wiring.metadata_reader(self._pool)


class InferenceResource(_Fixed):
    """Batched inference on the best device there is. Models are loaded at the first batch, and once a process."""

    @property
    def pipeline(self) -> Inference:
        """The models. Raises SettingsError or ModelError where they are not known or their configuration is missing."""
        return self._wiring.models

    @property
    def recipe(self) -> str:
        """What names the versions of all that has a part in a point. Raises as `pipeline` does."""
        return self._wiring.recipe

    def provenance(self, run_id: str, at: str) -> Provenance:
        """What the points of a run, at the time `at` (ISO 8601, UTC), say about it. Raises as `pipeline` does."""
        return self._wiring.provenance(run_id, at)

    @contextmanager
    def device_lock(self) -> Iterator[None]:
        """Wait until no other process of this store uses the device, and have it for the length of the block.

        A lock of the kernel's, which ends with its holder: a slot in one of Dagster's pools stays taken for ever where
        a run's process was killed, and every run after it would wait. Raises StoreError where there can be no lock.
        """
        with exclusive_lock(self._wiring.store.device_lock_file, "the device that models run on"):
            yield


class QdrantResource(_Fixed):
    """The way to Qdrant, and the name under which the collection is searched."""

    @property
    def address(self) -> QdrantAddress:
        """Where Qdrant is."""
        return self._wiring.address

    @property
    def alias(self) -> str:
        """The name under which the collection is searched."""
        return self.settings.collection

    @property
    def verifier(self) -> Verifier:
        """Compares the library with the collection. Raises as `Wiring.verifier` does."""
        return self._wiring.verifier


def make_resources(settings: Settings) -> dict[str, dg.ConfigurableResource]:
    """The resources, as the settings say."""
    return {
        "store": StoreResource(settings=settings),
        "decoding": DecodingResource(settings=settings),
        "inference": InferenceResource(settings=settings),
        "qdrant": QdrantResource(settings=settings),
    }
