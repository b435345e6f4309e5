"""The remaining work of a stage, so that progress bars can show the time left in a run of many small directories."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate

from image_pipeline.files.partition import Partition
from image_pipeline.progress import expect
from image_pipeline.schema.rows import DiscoveredFile
from image_pipeline.storage.tables import StageTables


def outlook(tables: StageTables, partitions: Sequence[Partition]) -> Iterator[Partition]:
    """Yields the partitions of a stage; progress reports meanwhile include the number of files in later partitions.

    The numbers are the row counts of `discovered_files`. They are read once, and only if progress is reported at all.
    """

    @cache
    def files_up_to() -> list[int]:
        return list(accumulate(tables.row_count(DiscoveredFile, partition.key) for partition in partitions))

    try:
        for index, partition in enumerate(partitions):
            expect(lambda index=index: files_up_to()[-1] - files_up_to()[index])  # type: ignore[misc]
            yield partition
    finally:
        expect()
