"""Cells of the map."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image_pipeline.schema.map_cell import LIMIT, around, cell_of, centre_of

LATITUDES, LONGITUDES = st.floats(-90, 90), st.floats(-180, 180)


def test_the_four_cells_of_zoom_one() -> None:
    places = ((50, -50), (50, 50), (-50, -50), (-50, 50))
    assert [cell_of(*place, 1) for place in places] == [0, 1, 2, 3]


@given(LATITUDES, LONGITUDES, st.integers(1, 16), st.integers(0, 16))
def test_a_cell_is_in_the_one_around_it(latitude: float, longitude: float, zoom: int, lower: int) -> None:
    cell, lower = cell_of(latitude, longitude, zoom), min(lower, zoom)
    assert 0 <= cell < 4**zoom
    assert around(cell, zoom, lower) == cell_of(latitude, longitude, lower)
    assert cell_of(*centre_of(cell, zoom), zoom) == cell


@given(st.floats(-LIMIT, LIMIT), LONGITUDES)
def test_a_centre_is_near(latitude: float, longitude: float) -> None:
    north, east = centre_of(cell_of(latitude, longitude, 16), 16)
    assert [north, east] == pytest.approx([latitude, longitude], abs=0.006)
