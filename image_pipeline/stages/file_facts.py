"""The facts about a file: those of its content, its sidecars and its name, and what follows from its place.

They are put together for each file when its point is made: two files with the same content may have different names
and sidecars.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from image_pipeline.files.dated_names import date_of_name
from image_pipeline.imaging.gazetteer import gazetteer_version, place_names, time_zone
from image_pipeline.schema.camera import camera_name
from image_pipeline.schema.map_cell import cell_of
from image_pipeline.schema.moment import ClockFrom, Moment, Precision, TakenFrom
from image_pipeline.schema.payload import (
    CAMERA,
    CAMERA_MAKE,
    CAMERA_MODEL,
    CITY,
    COUNTRY,
    DERIVED,
    MAP_CELLS,
    PLACE,
    STATE,
    TAKEN_AT,
    TAKEN_DAY,
    TAKEN_FROM,
    TAKEN_LOCAL,
    TAKEN_LOCAL_END,
    TAKEN_LOCAL_FROM,
    TAKEN_PRECISION,
    TAKEN_YEAR,
)
from image_pipeline.schema.rows import Sidecar
from image_pipeline.stages.sidecar_facts import Facts, sidecar_facts

_REVISION = 3
"""Bump when other facts follow from the same content, sidecars and name."""


def file_facts_version() -> str:
    """A text that changes whenever other facts may follow from the same content, sidecars and name."""
    return f"file-facts-{_REVISION} {gazetteer_version()}"


def file_facts(path: str, payload: Facts, sidecars: Sequence[Sidecar] = ()) -> dict[str, Any]:
    """What is added to, or replaced in, the `payload` of the file `path`, which has the facts about its content.

    `sidecars` are those of the file, best first.
    """
    described = sidecar_facts(path, payload, sidecars)
    facts = {**payload, **described}
    taken = _taken(path, facts)
    local = _local_time({**facts, **taken}, _other_clocks(path, payload))
    return {**described, **taken, **local, **_camera(facts), **_cells(facts), **_names_of_place(facts)}


def _taken(path: str, payload: Facts) -> dict[str, Any]:
    """The date in the file's name, if its content has none but that of its last change."""
    if payload.get(TAKEN_FROM.name) not in (None, TakenFrom.CHANGED):
        return {}
    moment = date_of_name(path)
    if moment is None:
        return {}
    return {
        TAKEN_AT.name: moment.iso,
        TAKEN_FROM.name: str(TakenFrom.NAME),
        TAKEN_PRECISION.name: str(moment.precision),
    }


def _other_clocks(path: str, payload: Facts) -> Iterator[Moment]:
    """The photographer's clock in the name of the file, and in the date of its last change."""
    named = date_of_name(path)
    if named is not None:
        yield named
    if payload.get(TAKEN_FROM.name) == TakenFrom.CHANGED:
        yield Moment.parse(payload[TAKEN_AT.name], payload[TAKEN_PRECISION.name])


def _local_time(payload: Facts, other_clocks: Iterable[Moment]) -> dict[str, Any]:
    """The interval on the photographer's clock; a time that is known in UTC becomes that of the place.

    Google Takeout gives UTC. If no place is known, one of `other_clocks` may show the same moment as local time.
    """
    if payload.get(TAKEN_AT.name) is None:
        return {}
    moment = Moment.parse(payload[TAKEN_AT.name], payload[TAKEN_PRECISION.name])
    clock_from = ClockFrom.WRITTEN
    if moment.is_utc:
        zone = _zone(payload)
        clock_from = ClockFrom.UTC if zone is None else ClockFrom.PLACE
        moment = moment if zone is None else moment.in_zone(zone)
        if zone is None and payload.get(TAKEN_FROM.name) == TakenFrom.TAKEOUT:
            local = next((clock for clock in other_clocks if moment.is_same_in_zone_of(clock)), None)
            moment, clock_from = (moment, clock_from) if local is None else (local, ClockFrom.WRITTEN)
    return {
        TAKEN_LOCAL.name: moment.clock.isoformat(),
        TAKEN_LOCAL_END.name: moment.end.isoformat(),
        TAKEN_LOCAL_FROM.name: str(clock_from),
        TAKEN_YEAR.name: moment.clock.year,
        TAKEN_DAY.name: _day(moment),
    }


def _day(moment: Moment) -> int:
    month = 0 if moment.precision is Precision.YEAR else moment.clock.month
    return (moment.clock.year * 100 + month) * 100 + (
        0 if moment.precision in (Precision.YEAR, Precision.MONTH) else moment.clock.day
    )


def _cells(payload: Facts) -> dict[str, int]:
    """The cells of the map that it is in."""
    place = payload.get(PLACE.name)
    if place is None:
        return {}
    return {field.name: cell_of(place["lat"], place["lon"], zoom) for zoom, field in MAP_CELLS.items()}


def _camera(payload: Facts) -> dict[str, Any]:
    name = camera_name(payload.get(CAMERA_MAKE.name), payload.get(CAMERA_MODEL.name))
    return {} if name is None else {CAMERA.name: name}


def _zone(payload: Facts) -> ZoneInfo | None:
    place = payload.get(PLACE.name)
    name = time_zone(place["lat"], place["lon"]) if place is not None else None
    try:
        return ZoneInfo(name) if name is not None else None
    except ZoneInfoNotFoundError:  # the time zones of this machine are older than the gazetteer
        return None


def _names_of_place(payload: Facts) -> dict[str, Any]:
    """The city and the country of a place that the content does not name."""
    place = payload.get(PLACE.name)
    if place is None or any(payload.get(field.name) is not None for field in (CITY, STATE, COUNTRY)):
        return {}
    names = place_names(place["lat"], place["lon"])
    derived = {CITY.name: names.city, COUNTRY.name: names.country}
    known = {name: value for name, value in derived.items() if value is not None}
    return {**known, DERIVED.name: list(known)} if known else {}
