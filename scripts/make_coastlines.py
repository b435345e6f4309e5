"""Convert the countries of Natural Earth (1:110 million, public domain) to the coastlines of the page's map.

    pip download --no-deps --dest DIRECTORY 'geopandas<1.0'
    python scripts/make_coastlines.py DIRECTORY/geopandas-*.whl

The wheel of geopandas before 1.0 holds them as a shapefile. The result is a list of rings; a ring is the longitude and
latitude of its first point, and then the differences from point to point, all in hundredths of a degree (about 1 km).
"""

import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path

SOURCE = "geopandas/datasets/naturalearth_lowres/naturalearth_lowres.shp"
TARGET = Path(__file__).parents[1] / "image_pipeline/web/static/coastlines.json"
_HEADER, _POLYGON = 100, 5
_PER_DEGREE = 100

Ring = list[tuple[int, int]]


def rings(shapes: bytes) -> Iterator[Ring]:
    """The rings of all polygons of a shapefile, in hundredths of a degree.

    Its format: ESRI Shapefile Technical Description, 1998.
    """
    at = _HEADER
    while at < len(shapes):
        (words,) = struct.unpack(">i", shapes[at + 4 : at + 8])
        record = shapes[at + 8 : at + 8 + 2 * words]
        at += 8 + 2 * words
        (kind,) = struct.unpack("<i", record[:4])
        if kind != _POLYGON:
            continue
        parts, points = struct.unpack("<2i", record[36:44])
        begins = [*struct.unpack(f"<{parts}i", record[44 : 44 + 4 * parts]), points]
        numbers = struct.unpack(f"<{2 * points}d", record[44 + 4 * parts : 44 + 4 * parts + 16 * points])
        places = [
            (round(_PER_DEGREE * x), round(_PER_DEGREE * y)) for x, y in zip(numbers[::2], numbers[1::2], strict=True)
        ]
        for first, last in pairwise(begins):
            ring = [place for place, _ in groupby(places[first:last])]
            if len(ring) >= 4:
                yield ring


def differences(ring: Ring) -> list[int]:
    """The first point, and from there on the differences."""
    steps = [(x - before_x, y - before_y) for (before_x, before_y), (x, y) in pairwise(ring)]
    return [value for pair in (ring[0], *steps) for value in pair]


def main() -> None:
    """Write the coastlines."""
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        found = [differences(ring) for ring in rings(wheel.read(SOURCE))]
    text = json.dumps(found, separators=(",", ":"))
    TARGET.write_text(f"{text}\n")
    print(f"{TARGET.name}: {len(found)} rings, {len(text):,} bytes")


if __name__ == "__main__":
    main()
