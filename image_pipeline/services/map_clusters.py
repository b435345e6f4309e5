"""Clusters on the map: how many files were taken in each cell of a grid, and one of them to show."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from image_pipeline.collection.facets import MissingIndexError
from image_pipeline.collection.search_filter import Box, SearchFilter
from image_pipeline.collection.version_points import VersionPoints
from image_pipeline.schema.map_cell import around, centre_of
from image_pipeline.schema.payload import MAP_CELLS
from image_pipeline.services.query_filters import both
from image_pipeline.services.search import Search

_SHARPER = 4
"""The mean place of a cluster follows from the counts of cells that are so many zooms higher."""

_FINEST_OF_ALL = 11
"""The finest cells that are counted on the whole map: nearly every photograph has a cell of its own in finer ones."""

MOST_CLUSTERS = 1000
"""How many clusters are returned at most, the largest ones: a screen has room for fewer."""

_FINER = 2
"""A tile of the map, 256 pixels wide, has cells of 64 pixels: two zooms higher."""

EVERYWHERE = Box(-90, -180, 90, 180)


@dataclass(frozen=True)
class Cluster:
    """Files that were taken in one cell: how many, the mean of their places in degrees, and the id of one of them."""

    count: int
    latitude: float
    longitude: float
    id: str


def read_clusters(search: Search, search_filter: SearchFilter, box: Box, zoom: int) -> list[Cluster]:
    """The clusters in a box of a map at a zoom, the largest first, of the files that a filter lets through.

    Raises as `Search.by_filter`, and MissingIndexError if an older release made the collection.
    """
    is_whole = box == EVERYWHERE
    asked = search_filter if is_whole else both([search_filter, SearchFilter(box=box)])
    finest = _FINEST_OF_ALL if is_whole else max(MAP_CELLS)
    wanted = min(zoom + _FINER, finest)
    stored = min(one for one in MAP_CELLS if one >= min(wanted + _SHARPER, finest))
    return search.ask(lambda points: _clusters(points, asked, stored, wanted))


def _clusters(points: VersionPoints, asked: SearchFilter, stored: int, wanted: int) -> list[Cluster]:
    field = MAP_CELLS[stored]
    cells = {int(cell): count for cell, count in points.facet(field, asked).items()}
    if not cells and points.count_matching(both([asked, SearchFilter(box=EVERYWHERE)])):
        raise MissingIndexError(field)  # nothing was ingested since it has the index
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for cell, count in cells.items():
        found[around(cell, stored, wanted)][cell] = count
    largest = sorted(found.values(), key=lambda one: (-sum(one.values()), min(one)))[:MOST_CLUSTERS]
    shown = points.groups(asked).one_of_each(field, [list(one) for one in largest])
    return [_cluster(one, id_, stored) for one, id_ in zip(largest, shown, strict=True) if id_ is not None]


def _cluster(cells: Mapping[int, int], id_: str, zoom: int) -> Cluster:
    count = sum(cells.values())
    centres: Sequence[tuple[float, float, int]] = [(*centre_of(cell, zoom), files) for cell, files in cells.items()]
    latitude, longitude = (sum(one[axis] * one[2] for one in centres) / count for axis in (0, 1))
    return Cluster(count, round(latitude, 6), round(longitude, 6), id_)
