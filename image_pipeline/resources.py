"""The resources of the assets: thin wrappers that give the library's own objects. None loads a model when set up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import PrivateAttr

from image_pipeline.files.discovery import DISCOVERY_VERSION
from image_pipeline.files.library import open_library
from image_pipeline.imaging.decode import decoder_version
from image_pipeline.imaging.limits import DecodeLimits
from image_pipeline.imaging.metadata import metadata_version
from image_pipeline.imaging.pool import WorkerPool
from image_pipeline.inference.inference import Inference, load_inference
from image_pipeline.inference.unseen import DecodedPartition
from image_pipeline.settings import DType, Settings, variable_of
from image_pipeline.storage.cache import ContentCache
from image_pipeline.storage.claims import claiming, turn
from image_pipeline.storage.connection import QdrantAddress
from image_pipeline.storage.content import RowCache
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.partition_claims import PartitionClaims
from image_pipeline.storage.rows import DecodedImage, MetadataOfImage
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables
from image_pipeline.storage.unchanged import Unchanged


class StoreResource(dg.ConfigurableResource):
    """The store, and the library that it belongs to."""

    home: str
    library: str | None = None
    partition_size: int
    settle_seconds: float
    deletion_share: float
    keep_decoded_tensors: bool = False
    _claims: PartitionClaims = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["StoreResource"]:
        """Claim the run for its process, so that others see whether it still goes on."""
        if context.run is None:  # a sensor's
            yield self
            return
        store, run_id = Store(Path(self.home)), context.run.run_id
        with (
            claiming(store.runs_directory / run_id),
            PartitionClaims(store, run_id) as self._claims,
        ):
            yield self

    @property
    def claims(self) -> PartitionClaims:
        """The partitions that the run has for itself until it ends."""
        return self._claims

    @property
    def store(self) -> Store:
        """The store, made where it is not there yet."""
        store = Store(Path(self.home))
        store.prepare()
        return store

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
        rows, maker = self.tables.read_noted(DecodedImage, key)
        return DecodedPartition(self.store.tensor_directory(key, maker), rows)

    @property
    def library_root(self) -> Path:
        """The root of the library. Raises SettingsError or LibraryError where there is none to read."""
        return open_library(Path(self.library) if self.library else None, self.ledger)


class DecodingResource(dg.ConfigurableResource):
    """Worker processes that decode images and read metadata, within limits for each file.

    They are started at the first file of a run, and serve its stages one after the other until it ends.
    """

    seconds: float
    memory_bytes: int
    pixels: int
    workers: int
    _pool: WorkerPool = PrivateAttr()

    @property
    def processes(self) -> int:
        """The number of worker processes."""
        return self.workers or len(os.sched_getaffinity(0))

    @property
    def decoder(self) -> str:
        """The decoder's version and its limits: what is in quarantine is tried again when it changes."""
        return f"{decoder_version()} {self.seconds:g} s {self.memory_bytes} B {self.pixels} px"

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

    def decode_cache(self, cache: ContentCache) -> RowCache[DecodedImage]:
        """The outcomes of decoding with this version and these limits."""
        return RowCache(cache, DecodedImage, self.decoder)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Self]:
        """The resource for the length of a run."""
        with WorkerPool(DecodeLimits(self.seconds, self.memory_bytes, self.pixels), self.processes) as self._pool:
            yield self

    @property
    def pool(self) -> WorkerPool:
        """The workers of a run."""
        return self._pool


class InferenceResource(dg.ConfigurableResource):
    """Batched inference on the best device there is. Models are loaded at the first batch, and once a process."""

    models: str
    dtype: DType
    home: str

    @property
    def pipeline(self) -> Inference:
        """The models. Raises SettingsError or ModelError where they are not known or their configuration is missing."""
        return load_inference(self.models, self.dtype, Path(self.home))

    def recipe(self, decoding: DecodingResource) -> str:
        """What names the versions of all that has a part in a point. Raises as `pipeline` does."""
        return self.pipeline.recipe(*decoding.versions)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process of this store uses the device, and have it for the length of the block.

        A lock of the kernel's, which ends with its holder: a slot in one of Dagster's pools stays taken for ever where
        a run's process was killed, and every run after it would wait. Raises StoreError where there can be no lock.
        """
        with turn(Store(Path(self.home)).device_lock_file):
            yield


class QdrantResource(dg.ConfigurableResource):
    """The way to Qdrant, and the name under which the collection is searched."""

    url: str | None = None
    api_key: str | None = None
    grpc_port: int = 6334
    home: str
    lock_seconds: float
    alias: str

    @property
    def address(self) -> QdrantAddress:
        """Where Qdrant is."""
        store = Store(Path(self.home))
        return QdrantAddress(
            self.url, store.qdrant_directory, store.qdrant_lock_file, self.lock_seconds, self.grpc_port, self.api_key
        )


def make_resources(settings: Settings) -> dict[str, dg.ConfigurableResource]:
    """The resources, as the settings say."""
    home = str(settings.home)
    return {
        "store": StoreResource(
            home=home,
            library=None if settings.library is None else str(settings.library),
            partition_size=settings.partition_size,
            settle_seconds=settings.settle_seconds,
            deletion_share=settings.deletion_share,
            keep_decoded_tensors=settings.keep_decoded_tensors,
        ),
        "decoding": DecodingResource(
            seconds=settings.decode_seconds,
            memory_bytes=settings.decode_memory,
            pixels=settings.decode_pixels,
            workers=settings.workers,
        ),
        "inference": InferenceResource(models=settings.models, dtype=settings.dtype, home=home),
        "qdrant": QdrantResource(
            url=settings.qdrant_url,
            # named, not copied: the key is not to be read on the page
            api_key=None if settings.qdrant_api_key is None else dg.EnvVar(variable_of("qdrant_api_key")),
            grpc_port=settings.qdrant_grpc_port,
            home=home,
            lock_seconds=settings.lock_seconds,
            alias=settings.collection,
        ),
    }
