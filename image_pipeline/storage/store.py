"""The store: the folder with the pipeline's own files, and where each of them lies in it."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import StoreError


@dataclass(frozen=True)
class Store:
    """The store at `home`. Everything in it can be made again from the library."""

    home: Path

    def prepare(self) -> None:
        """Make the store's folder. Raises StoreError where that is not possible."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The store {self.home} cannot be made ({error.strerror}): set IMAGE_PIPELINE_HOME to a folder "
                "that can be written."
            ) from error

    @property
    def dagster_home(self) -> Path:
        """Dagster's own records, where DAGSTER_HOME does not say otherwise."""
        return self.home / "dagster"

    @property
    def ledger_file(self) -> Path:
        """What was ingested, and the quarantine."""
        return self.home / "ledger.sqlite"

    @property
    def cache_file(self) -> Path:
        """Values by content; may be deleted at any time."""
        return self.home / "cache" / "content.sqlite"

    @property
    def qdrant_directory(self) -> Path:
        """The embedded Qdrant."""
        return self.home / "qdrant"

    @property
    def qdrant_lock_file(self) -> Path:
        """Held by the process that uses the embedded Qdrant."""
        return self.home / "qdrant.lock"

    @property
    def index_lock_file(self) -> Path:
        """Held by the process that brings the collection and the ledger to what a partition is."""
        return self.home / "index.lock"

    @property
    def device_lock_file(self) -> Path:
        """Held by the process whose models are at work."""
        return self.home / "device.lock"

    @property
    def partitions_lock_file(self) -> Path:
        """A byte of it is locked for each partition that a run is at work on."""
        return self.home / "partitions.lock"

    @property
    def runs_directory(self) -> Path:
        """A file for each run that is under way, by its id: claimed by the run's process for as long as it lives."""
        return self.home / "runs"

    def table_file(self, stage: str, partition_key: str) -> Path:
        """The table of a stage for one partition."""
        return self.home / "tables" / stage / f"{file_stem(partition_key)}.parquet"

    @property
    def tensors_directory(self) -> Path:
        """The decoded tensors of all partitions."""
        return self.home / "tensors"

    def tensor_directories(self, partition_key: str) -> Path:
        """The decoded tensors of a partition: a directory for each run that is making them."""
        return self.tensors_directory / file_stem(partition_key)

    def tensor_directory(self, partition_key: str, maker: str) -> Path:
        """The decoded tensors that `maker` (a run) made of a partition: one `.npy` file per input specification."""
        return self.tensor_directories(partition_key) / maker

    def thumbnail_file(self, sha256: str) -> Path:
        """The thumbnail of an image, by its content."""
        return self.home / "thumbnails" / sha256[:2] / f"{sha256}.webp"


def file_stem(partition_key: str) -> str:
    """A file name for a partition key: readable, and its own through 16 hex digits of the key's hash."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", partition_key)[-80:].lstrip(".-")
    return f"{readable}-{hashlib.blake2b(partition_key.encode(), digest_size=8).hexdigest()}"
