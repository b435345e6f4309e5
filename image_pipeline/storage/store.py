"""The store: the folder with the pipeline's own files, and where each of them lies in it."""

import hashlib
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.errors import StoreError
from image_pipeline.files.store_mark import VERSION, Mark
from image_pipeline.storage.location import check_place
from image_pipeline.storage.mark import read_mark, write_mark
from image_pipeline.storage.own_files import FILE_STEM, is_nothing, is_unmarked_store
from image_pipeline.storage.private_files import usual_rights

_PRIVATE = 0o700
_DAGSTER = "dagster"


@dataclass(frozen=True)
class Store:
    """The store at `home`. Everything in it can be made again from the library."""

    home: Path

    def prepare(self, library: Path | None = None) -> None:
        """Make the store's folder, private and marked, unless it is there; a store without a mark is marked.

        Whoever writes in the store comes by here first. Raises SettingsError where the folder can be no store (see
        `check_place`; `library` is the one to be ingested, if it is known), StoreError where it holds other files,
        belongs to a newer version, or cannot be made.
        """
        check_place(self.home, library)
        try:
            if not self.home.parent.exists():
                with usual_rights():  # others may have folders in those above the store
                    self.home.parent.mkdir(parents=True, exist_ok=True)
            self.home.mkdir(mode=_PRIVATE, exist_ok=True)
            mark = read_mark(self.home) or self._mark()
        except OSError as error:
            raise StoreError(
                f"The store {self.home} cannot be made ({error.strerror}): set IMAGE_PIPELINE_HOME to a folder "
                "that can be written."
            ) from error
        self.check_version(mark)

    def check_version(self, mark: Mark) -> None:
        """Raises StoreError where the store, whose mark is `mark`, belongs to a newer version."""
        if mark.version > VERSION:
            raise StoreError(
                f"The store {self.home} was made by a newer version of image-pipeline: install that one, or set "
                "IMAGE_PIPELINE_HOME to another folder."
            )

    def _mark(self) -> Mark:
        """Mark the folder if it is empty, or a store that was made before stores had marks."""
        is_empty = all(_is_nothing(path) for path in self.home.iterdir())
        if not (is_empty or is_unmarked_store(self.home)):
            mark = read_mark(self.home)  # another process made it a store meanwhile
            if mark is not None:
                return mark
            raise StoreError(
                f"The folder {self.home} is not empty, and is no store: set IMAGE_PIPELINE_HOME to a new folder; "
                "nothing in this one was changed."
            )
        if not _is_for_one_user(self.home):
            if is_empty:
                raise StoreError(
                    f"The folder {self.home} is another user's, or for all users: set IMAGE_PIPELINE_HOME to a new "
                    f"folder, such as {self.home / 'image-pipeline'}; nothing in this one was changed."
                )
        else:
            with suppress(PermissionError):  # the disk that is mounted there may have no rights
                self.home.chmod(_PRIVATE)
        write_mark(self.home)
        return Mark(VERSION, None)

    @property
    def dagster_home(self) -> Path:
        """Dagster's own records, where DAGSTER_HOME does not say otherwise."""
        return self.home / _DAGSTER

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
    def dagster_lock_file(self) -> Path:
        """Held by the process that opens Dagster's records."""
        return self.home / "dagster.lock"

    @property
    def page_lock_file(self) -> Path:
        """Held by each page, with all that works for it, for as long as it lives; several may hold it together."""
        return self.home / "page.lock"

    @property
    def lock_files(self) -> tuple[Path, ...]:
        """Everything that a process holds while it works on the store, but for what runs claim."""
        return (
            *(self.qdrant_lock_file, self.index_lock_file, self.device_lock_file, self.dagster_lock_file),
            self.page_lock_file,
        )

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


def is_file_stem(name: str) -> bool:
    """Whether `file_stem` may have made a name."""
    return re.fullmatch(FILE_STEM, name) is not None


def _is_nothing(path: Path) -> bool:
    # Dagster's records may come first, where DAGSTER_HOME is set
    return (path.name == _DAGSTER and path.is_dir() and not path.is_symlink()) or is_nothing(path)


def _is_for_one_user(home: Path) -> bool:
    """Whether a folder is this user's alone to decide about; root may be given another user's, as in a container."""
    status = home.stat()
    return not status.st_mode & stat.S_ISVTX and os.geteuid() in (status.st_uid, 0)
