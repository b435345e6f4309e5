"""Departures: directories that disappeared leave the collection only after their possible replacements are in it."""

from collections.abc import Collection, Mapping

from image_pipeline.files.plan import Ingested, ListedPartition

PATIENCE_SECONDS = 3600.0
"""Maximum time for which a missing partition waits for possible replacements."""


def awaited(listed: Mapping[str, ListedPartition], ingested: Mapping[str, Ingested]) -> set[str]:
    """The partitions with new or changed files, which may have come from a missing partition.

    Partitions that are processed again for other reasons (other models, a file that could not be read) do not count.
    """
    found = set()
    for key, there in listed.items():
        before = ingested.get(key)
        if before is None or before.files_fingerprint not in ("", there.fingerprint):
            found.add(key)
    return found


def waiting(gone_since: Mapping[str, float], waited_for: Collection[str], now: float) -> set[str]:
    """The missing partitions that still wait; `gone_since` says since when (s since 1970) each is missing."""
    if not waited_for:
        return set()
    return {key for key, since in gone_since.items() if now - since < PATIENCE_SECONDS}
