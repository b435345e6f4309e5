"""Sighting: the sensor's last observation of a directory, kept in the ledger from one tick to the next."""

from dataclasses import dataclass

from image_pipeline.files.plan import ListedPartition


@dataclass(frozen=True)
class DirectorySnapshot:
    """The state of a directory when the sensor last saw it.

    `mtime_ns` is the directory's own modification time, `partitions` are its partitions (empty if it has no images, or
    is gone). It has been in this state since `since`; its files were last checked one by one at `checked_at` (s since
    1970).
    """

    directory: str
    mtime_ns: int
    partitions: tuple[ListedPartition, ...]
    since: float
    checked_at: float
