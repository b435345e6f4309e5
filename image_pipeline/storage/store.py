"""The store: the folder with the pipeline's own files, and their paths in it."""

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
from image_pipeline.storage.private_files import default_permissions

_PRIVATE = 0o700
_DAGSTER = "dagster"


@dataclass(frozen=True)
class Store:
    """The store at `home`. Everything in it can be recreated from the library."""

    home: Path

    def prepare(self, library: Path | None = None) -> None:
        """Create the store's folder, private and marked, if it does not exist; mark a store that has no mark yet.

        Everything that writes to the store calls this first. Raises SettingsError if the folder cannot be a store (see
        `check_place`; `library` is the one to ingest, if known), StoreError if it holds other files, belongs to a newer
        version, or cannot be created.
        """
        check_place(self.home, library)
        try:
            if not self.home.parent.exists():
                with default_permissions():  # other users may need the folders above the store
                    self.home.parent.mkdir(parents=True, exist_ok=True)
            self.home.mkdir(mode=_PRIVATE, exist_ok=True)
            mark = read_mark(self.home) or self._mark()
        except OSError as error:
            raise StoreError(
                f"The store {self.home} cannot be created ({error.strerror}): set IMAGE_PIPELINE_HOME to a writable "
                "folder."
            ) from error
        self.check_version(mark)

    def check_version(self, mark: Mark) -> None:
        """Raises StoreError if the store, with the mark `mark`, belongs to a newer version."""
        if mark.version > VERSION:
            raise StoreError(
                f"The store {self.home} was made by a newer version of image-pipeline: install that version, or set "
                "IMAGE_PIPELINE_HOME to a different folder."
            )

    def _mark(self) -> Mark:
        """Mark the folder if it is empty, or a store from before stores had marks."""
        is_empty = all(_is_nothing(path) for path in self.home.iterdir())
        if not (is_empty or is_unmarked_store(self.home)):
            mark = read_mark(self.home)  # another process may have made it a store meanwhile
            if mark is not None:
                return mark
            raise StoreError(
                f"The folder {self.home} is not empty, and is not a store: set IMAGE_PIPELINE_HOME to a new folder; "
                "nothing in this one was changed."
            )
        if not _is_for_one_user(self.home):
            if is_empty:
                raise StoreError(
                    f"The folder {self.home} belongs to another user, or to all users: set IMAGE_PIPELINE_HOME to a "
                    f"new folder, such as {self.home / 'image-pipeline'}; nothing in this one was changed."
                )
        else:
            with suppress(PermissionError):  # the file system may not support permissions
                self.home.chmod(_PRIVATE)
        write_mark(self.home)
        return Mark(VERSION, None)

    @property
    def dagster_home(self) -> Path:
        """Dagster's records, unless DAGSTER_HOME points elsewhere."""
        return self.home / _DAGSTER

    @property
    def ledger_file(self) -> Path:
        """The ledger: what was ingested, the quarantine, the history of files."""
        return self.home / "ledger.sqlite"

    @property
    def cache_file(self) -> Path:
        """The content cache; may be deleted at any time."""
        return self.home / "cache" / "content.sqlite"

    @property
    def qdrant_directory(self) -> Path:
        """The former embedded Qdrant, which is taken over."""
        return self.home / "qdrant"

    @property
    def edge_directory(self) -> Path:
        """The embedded Qdrant."""
        return self.home / "qdrant-edge"

    @property
    def qdrant_lock_file(self) -> Path:
        """Held by the process that uses the embedded Qdrant."""
        return self.home / "qdrant.lock"

    @property
    def index_lock_file(self) -> Path:
        """Held by the process that changes the collection and the ledger."""
        return self.home / "index.lock"

    @property
    def fill_lock_file(self) -> Path:
        """Held by the process that fills a version of the collection from the tables of the stages."""
        return self.home / "fill.lock"

    @property
    def device_lock_file(self) -> Path:
        """Held by the process whose models are running."""
        return self.home / "device.lock"

    @property
    def dagster_lock_file(self) -> Path:
        """Held by the process that opens Dagster's records."""
        return self.home / "dagster.lock"

    @property
    def page_lock_file(self) -> Path:
        """Held by each page and its processes for as long as they live; several may hold it together."""
        return self.home / "page.lock"

    @property
    def lock_files(self) -> tuple[Path, ...]:
        """All files that a process locks while it works on the store, except for the claims of runs."""
        return (
            *(self.qdrant_lock_file, self.index_lock_file, self.device_lock_file, self.dagster_lock_file),
            *(self.page_lock_file, self.fill_lock_file),
        )

    @property
    def partitions_lock_file(self) -> Path:
        """One byte of it is locked for each partition that a run is working on."""
        return self.home / "partitions.lock"

    @property
    def runs_directory(self) -> Path:
        """One file for each run in progress, named by its id and claimed by its process for as long as that lives."""
        return self.home / "runs"

    def table_file(self, stage: str, partition_key: str) -> Path:
        """The table of a stage for one partition."""
        return self.home / "tables" / stage / f"{file_stem(partition_key)}.parquet"

    @property
    def tensors_directory(self) -> Path:
        """The decoded tensors of all partitions."""
        return self.home / "tensors"

    def tensor_directories(self, partition_key: str) -> Path:
        """The decoded tensors of a partition: one directory for each run that is making them."""
        return self.tensors_directory / file_stem(partition_key)

    def tensor_directory(self, partition_key: str, maker: str) -> Path:
        """The decoded tensors of a partition made by `maker` (a run): one `.npy` file per input specification."""
        return self.tensor_directories(partition_key) / maker

    def thumbnail_file(self, sha256: str) -> Path:
        """The thumbnail of an image, by content."""
        return self.home / "thumbnails" / sha256[:2] / f"{sha256}.webp"

    @property
    def large_thumbnails_directory(self) -> Path:
        """The thumbnails of 1,024 pixels, by content, which are made on demand; may be deleted at any time."""
        return self.home / "thumbnails-1024"

    def large_thumbnail_file(self, sha256: str) -> Path:
        """The thumbnail of 1,024 pixels of an image, by content; most do not exist."""
        return self.large_thumbnails_directory / sha256[:2] / f"{sha256}.webp"

    @property
    def sessions_file(self) -> Path:
        """The sessions of the search page: without it, everybody has to give the password again."""
        return self.home / "sessions.sqlite"


def file_stem(partition_key: str) -> str:
    """The file name for a partition key: readable, and unique through 16 hex digits of the key's hash."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", partition_key)[-80:].lstrip(".-")
    return f"{readable}-{hashlib.blake2b(partition_key.encode(), digest_size=8).hexdigest()}"


def is_file_stem(name: str) -> bool:
    """Whether a name can come from `file_stem`."""
    return re.fullmatch(FILE_STEM, name) is not None


def _is_nothing(path: Path) -> bool:
    # if DAGSTER_HOME is set, Dagster's records may exist before the store
    return (path.name == _DAGSTER and path.is_dir() and not path.is_symlink()) or is_nothing(path)


def _is_for_one_user(home: Path) -> bool:
    """Whether this user alone controls a folder; root may use another user's, as in a container."""
    status = home.stat()
    return not status.st_mode & stat.S_ISVTX and os.geteuid() in (status.st_uid, 0)
