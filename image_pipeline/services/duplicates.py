"""Duplicates: files that have the same picture, pixel by pixel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.schema.payload import PIXELS
from image_pipeline.services.search import Search


@dataclass(frozen=True)
class DuplicateGroup:
    """Files with the same picture: the digest of its pixels, and the payloads of the files, in the order of paths."""

    pixels: str
    files: Sequence[Mapping[str, Any]]


def read_duplicates(search: Search, limit: int, after: str | None = None) -> tuple[list[DuplicateGroup], int]:
    """Up to `limit` groups in the order of their pixels, from the one after `after`; and the number of all groups.

    Files of an older release, without pixels, are in no group. Raises as `Search.by_filter`.
    """

    def ask(points: VersionPoints) -> tuple[list[DuplicateGroup], int]:
        several = sorted(str(value) for value, count in points.facet(PIXELS).items() if count > 1)
        wanted = [value for value in several if after is None or value > after][:limit]
        files = points.files_of(PIXELS, wanted)
        return [DuplicateGroup(value, files[value]) for value in wanted if len(files[value]) > 1], len(several)

    return search.ask(ask)
