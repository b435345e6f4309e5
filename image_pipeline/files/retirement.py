"""Directories that went: they leave the collection once what came instead, under another name, is in it."""

from collections.abc import Collection, Mapping

from image_pipeline.files.plan import Ingested, ListedPartition

PATIENCE_SECONDS = 3600.0
"""So long, at most, what went waits for what came."""


def awaited(listed: Mapping[str, ListedPartition], ingested: Mapping[str, Ingested]) -> set[str]:
    """The partitions whose files came, or changed, since they were ingested: they may be those of one that went.

    What is only made anew, by other models or because a file could not be read, has no files of another's.
    """
    found = set()
    for key, there in listed.items():
        before = ingested.get(key)
        if before is None or before.files_fingerprint not in ("", there.fingerprint):
            found.add(key)
    return found


def waiting(gone_since: Mapping[str, float], waited_for: Collection[str], now: float) -> set[str]:
    """Those of the gone partitions, each with the time (s since 1970) since when it is gone, that still wait."""
    if not waited_for:
        return set()
    return {key for key, since in gone_since.items() if now - since < PATIENCE_SECONDS}
