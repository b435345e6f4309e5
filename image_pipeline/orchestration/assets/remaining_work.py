"""How much is still to come in a stage: without it, nobody could say when a run of many small directories ends."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate

from image_pipeline.files.partition import Partition
from image_pipeline.progress import expect
from image_pipeline.schema.rows import DiscoveredFile
from image_pipeline.storage.tables import StageTables


def outlook(tables: StageTables, partitions: Sequence[Partition]) -> Iterator[Partition]:
    """The partitions of a stage, one after the other; what is counted of one is told with the files of those to come.

    Their numbers are those of `discovered_files`, read once, and only if something is counted at all.
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
