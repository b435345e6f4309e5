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


@dataclass(frozen=True)
class Duplicates:
    """A page of groups, the number of all groups, and the pixels of its last group; None if no others follow."""

    groups: Sequence[DuplicateGroup]
    total: int
    last: str | None


def read_duplicates(search: Search, limit: int, after: str | None = None) -> Duplicates:
    """Up to `limit` groups in the order of their pixels, from the one after `after`.

    Files of an older release, without pixels, are in no group. Raises as `Search.by_filter`.
    """

    def ask(points: VersionPoints) -> Duplicates:
        several = sorted(points.groups().repeated(PIXELS))
        following = [value for value in several if after is None or value > after]
        files = points.groups().files(PIXELS, following[:limit])
        groups = [DuplicateGroup(value, same) for value, same in files.items() if len(same) > 1]
        return Duplicates(groups, len(several), following[limit - 1] if len(following) > limit else None)

    return search.ask(ask)
