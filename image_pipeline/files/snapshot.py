"""What a directory looked like when the sensor last looked: the ledger keeps it from one tick to the next."""

from dataclasses import dataclass

from image_pipeline.files.plan import ListedPartition


@dataclass(frozen=True)
class DirectorySnapshot:
    """What a directory looked like.

    `mtime_ns` is the directory's own modification time, `partitions` what lies in it (nothing: it has no images, or
    is gone). It looks so since `since`, and its files were last looked at one by one at `checked_at` (s since 1970).
    """

    directory: str
    mtime_ns: int
    partitions: tuple[ListedPartition, ...]
    since: float
    checked_at: float
