"""How much of the library is waiting to be ingested, counted within a time limit."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from image_pipeline.files.discovery import walk
from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import Ingested, State, compare, list_partitions, without_unlisted
from image_pipeline.files.unlisted import Unlisted


@dataclass(frozen=True)
class Waiting:
    """The numbers of new, changed and gone directories, and of files that wait to be ingested.

    All files of a changed directory count: which ones changed is not checked. `directories` is the number of
    directories that were checked. Unless they are the whole library (`is_whole`), the numbers are lower bounds, and
    `gone` (directories that were ingested and no longer exist) is 0.
    """

    new: int
    changed: int
    gone: int
    files: int
    directories: int
    is_whole: bool


def count_waiting(root: Path, ingested: Mapping[str, Ingested], partition_size: int, seconds: float) -> Waiting:
    """Compare the library with what was ingested, for at most `seconds`.

    A directory that cannot be listed is skipped. Raises LibraryError if the library itself cannot be read, or is empty
    although files of it were ingested.
    """
    ends_at = time.monotonic() + seconds
    unlisted = Unlisted()
    looked_at: dict[str, list] = {}
    is_whole = True
    for directory, files in walk(root, unlisted):
        looked_at[directory] = files
        if time.monotonic() > ends_at:
            is_whole = False
            break
    listed = list_partitions(looked_at.items(), partition_size, ingested)
    known = without_unlisted(ingested, unlisted)
    if not is_whole:
        known = {key: entry for key, entry in known.items() if Partition.from_key(key).directory in looked_at}
    states = compare(listed, known) if is_whole or listed else []
    waiting = [state for state in states if state.state in (State.NEW, State.CHANGED)]

    def directories(state: State) -> int:
        return len({Partition.from_key(one.key).directory for one in states if one.state is state})

    return Waiting(
        new=directories(State.NEW),
        changed=directories(State.CHANGED),
        gone=directories(State.GONE) if is_whole else 0,
        files=sum(state.files for state in waiting),
        directories=len(looked_at),
        is_whole=is_whole,
    )
