"""The resources of the assets: thin wrappers that give the library's own objects. None loads a model when set up.

None takes any configuration, so that a run does what the settings of its process say, and not what whoever launches it
writes into its run config: where the store is, which Qdrant is written to, or which environment variable is read.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import PrivateAttr

from image_pipeline.collection.address import QdrantAddress
from image_pipeline.collection.connection import address_of
from image_pipeline.files.discovery import DISCOVERY_VERSION
from image_pipeline.imaging.decode import decoder_version, older_decoder_version
from image_pipeline.imaging.metadata import metadata_version
from image_pipeline.imaging.pool import WorkerPool
from image_pipeline.orchestration.partitions import range_of_its_own
from image_pipeline.schema.limits import DecodeLimits
from image_pipeline.schema.rows import DecodedContent, MetadataOfImage
from image_pipeline.schema.stage import Stage
from image_pipeline.settings import Settings
from image_pipeline.stages.models import Inference, load_inference
from image_pipeline.stages.unchanged import Unchanged
from image_pipeline.stages.unseen import DecodedPartition
from image_pipeline.storage.cache import ContentCache
from image_pipeline.storage.claims import claiming
from image_pipeline.storage.content import RowCache
from image_pipeline.storage.failures import Failures
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.library_binding import open_library
from image_pipeline.storage.locks import exclusive_lock
from image_pipeline.storage.partition_claims import PartitionClaims
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables

WALL_SECONDS_PER_SECOND = 10
"""How much longer than its limit of processor time a file may take by the clock, on a machine that has other work."""


class _Fixed(dg.ConfigurableResource):
    """A resource made of the settings. They are a dependency, which, unlike a field, no run config can set."""

    settings: dg.ResourceDependency[Settings]


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
        """The store, made where it is not there yet. Raises SettingsError and StoreError as `Store.prepare` does."""
        return _prepared(self.settings)

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

    @property
    def tables(self) -> StageTables:
        """The stage tables."""
        return StageTables(self.store)

    @property
    def ledger(self) -> Ledger:
        """What was ingested, and the quarantine."""
        return Ledger(self.store.ledger_file)

    @property
    def cache(self) -> ContentCache:
        """Values by content."""
        return ContentCache(self.store.cache_file)

    def unchanged(self, recipe: str) -> Unchanged:
        """The partitions that no stage has anything to make of."""
        return Unchanged(recipe, self.tables, self.ledger.entries())

    def decoded_partition(self, key: str) -> DecodedPartition:
        """A partition as it was decoded. Raises StoreError where it was not."""
        rows, maker = self.tables.read_noted(DecodedContent, key)
        return DecodedPartition(self.store.tensor_directory(key, maker), rows)

    @property
    def library_root(self) -> Path:
        """The root of the library. Raises SettingsError or LibraryError where there is none to read."""
        return open_library(self.settings.library, self.ledger)


class DecodingResource(_Fixed):
    """Worker processes that decode images and read metadata, within limits for each file.

    They are started at the first file of a run, and serve its stages one after the other until it ends.
    """

    _pool: WorkerPool = PrivateAttr()

    @property
    def processes(self) -> int:
        """The number of worker processes."""
        return self.settings.workers or len(os.sched_getaffinity(0))

    @property
    def decoder(self) -> str:
        """The decoder's version: what it decoded stays as it is, whatever the limits become."""
        return decoder_version()

    @property
    def limits(self) -> DecodeLimits:
        """What one file may cost."""
        settings = self.settings
        wall_seconds = max(DecodeLimits().wall_seconds, WALL_SECONDS_PER_SECOND * settings.decode_seconds)
        return DecodeLimits(settings.decode_seconds, settings.decode_memory, settings.decode_pixels, wall_seconds)

    @property
    def metadata_reader(self) -> str:
        """The version of the metadata reader."""
        return metadata_version()

    @property
    def versions(self) -> tuple[str, str, str]:
        """The versions of all that reads files: what was ingested with others is ingested again."""
        return DISCOVERY_VERSION, self.decoder, self.metadata_reader

    def metadata_cache(self, cache: ContentCache) -> RowCache[MetadataOfImage]:
        """The metadata that this version has read."""
        return RowCache(cache, MetadataOfImage, self.metadata_reader)

    def decode_cache(self, cache: ContentCache) -> RowCache[DecodedContent]:
        """What this version has decoded."""
        cache.take_over_successes(older_decoder_version(), self.decoder)
        return RowCache(cache, DecodedContent, self.decoder)

    def decode_failures(self, ledger: Ledger) -> Failures:
        """What this version could not decode."""
        return ledger.failures(Stage.DECODED_TENSORS, self.decoder, self.limits)

    def metadata_failures(self, ledger: Ledger) -> Failures:
        """The contents whose metadata this version could not read."""
        return ledger.failures(Stage.IMAGE_METADATA, self.metadata_reader, self.limits)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:
        """The resource for the length of a run."""
        with WorkerPool(self.limits, self.processes) as self._pool:
            yield self

    @property
    def pool(self) -> WorkerPool:
        """The workers of a run."""
        return self._pool


class InferenceResource(_Fixed):
    """Batched inference on the best device there is. Models are loaded at the first batch, and once a process."""

    @property
    def pipeline(self) -> Inference:
        """The models. Raises SettingsError or ModelError where they are not known or their configuration is missing."""
        return load_inference(self.settings.models, self.settings.dtype, _prepared(self.settings).home)

    def recipe(self, decoding: DecodingResource) -> str:
        """What names the versions of all that has a part in a point. Raises as `pipeline` does."""
        return self.pipeline.recipe(*decoding.versions)

    @contextmanager
    def device_lock(self) -> Iterator[None]:
        """Wait until no other process of this store uses the device, and have it for the length of the block.

        A lock of the kernel's, which ends with its holder: a slot in one of Dagster's pools stays taken for ever where
        a run's process was killed, and every run after it would wait. Raises StoreError where there can be no lock.
        """
        with exclusive_lock(_prepared(self.settings).device_lock_file, "the device that models run on"):
            yield


class QdrantResource(_Fixed):
    """The way to Qdrant, and the name under which the collection is searched."""

    @property
    def address(self) -> QdrantAddress:
        """Where Qdrant is."""
        _prepared(self.settings)
        return address_of(self.settings)

    @property
    def alias(self) -> str:
        """The name under which the collection is searched."""
        return self.settings.collection


def _prepared(settings: Settings) -> Store:
    store = Store(settings.home)
    store.prepare(settings.library)
    return store


def make_resources(settings: Settings) -> dict[str, dg.ConfigurableResource]:
    """The resources, as the settings say."""
    return {
        "store": StoreResource(settings=settings),
        "decoding": DecodingResource(settings=settings),
        "inference": InferenceResource(settings=settings),
        "qdrant": QdrantResource(settings=settings),
    }
