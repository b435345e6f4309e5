"""Cells of the map: the squares of a grid in the Web Mercator projection, of which zoom z has 2^z by 2^z.

A cell is a number in which the bits of its column and row alternate (Morton), so that the number of the cell around it,
one zoom lower, is the number without its last two bits.
"""

import math

LIMIT = 85.0511287798
"""The latitude at which the square map ends, in degrees. Places beyond it are in the cells at its edge."""


def cell_of(latitude: float, longitude: float, zoom: int) -> int:
    """The cell that a place, in degrees, is in."""
    size = 1 << zoom
    north = math.radians(max(-LIMIT, min(LIMIT, latitude)))
    column = int((longitude + 180) / 360 * size)
    row = int((1 - math.asinh(math.tan(north)) / math.pi) / 2 * size)
    return sum(
        ((min(max(column, 0), size - 1) >> bit & 1) | (min(max(row, 0), size - 1) >> bit & 1) << 1) << 2 * bit
        for bit in range(zoom)
    )


def around(cell: int, zoom: int, lower: int) -> int:
    """The cell at the zoom `lower` that a cell at `zoom` is in."""
    return cell >> 2 * (zoom - lower)


def centre_of(cell: int, zoom: int) -> tuple[float, float]:
    """Latitude and longitude, in degrees, of the centre of a cell."""
    column = sum((cell >> 2 * bit & 1) << bit for bit in range(zoom))
    row = sum((cell >> 2 * bit + 1 & 1) << bit for bit in range(zoom))
    size = 1 << zoom
    return (
        math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (row + 0.5) / size)))),
        (column + 0.5) / size * 360 - 180,
    )
