"""Sidecars and files merged: what an XMP sidecar says goes before the file, Google Takeout only fills gaps."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import PurePosixPath
from typing import Any

from image_pipeline.files.rules import ending
from image_pipeline.files.sidecars import XMP, is_named_in_full
from image_pipeline.schema.image_metadata import ImageMetadata
from image_pipeline.schema.moment import Moment, TakenFrom, is_offset
from image_pipeline.schema.outcome import PASSING
from image_pipeline.schema.payload import (
    CITY,
    COUNTRY,
    PLACE,
    SIDECAR_PROBLEM,
    SIDECARS,
    STATE,
    TAKEN_AT,
    TAKEN_FROM,
    TAKEN_PRECISION,
    payload_of_metadata,
)
from image_pipeline.schema.rows import Sidecar

_DATE = (TAKEN_AT.name, TAKEN_FROM.name, TAKEN_PRECISION.name)
_PLACE, _NAMES = (PLACE.name, "altitude_m"), (CITY.name, STATE.name, COUNTRY.name)
_TOGETHER = (_PLACE, _NAMES, ("camera_make", "camera_model"), ("keywords", "keywords_omitted"))
"""Facts that belong together: from two sources, they could contradict each other."""
_OF_THE_PICTURE = frozenset({"width", "height", "orientation", "latitude", "longitude"})
_ALONE = tuple(
    (one.name,)
    for one in fields(ImageMetadata)
    if one.name not in _OF_THE_PICTURE and not any(one.name in group for group in (_DATE, *_TOGETHER))
)

_FAR_KM = 20.0
"""A place that a sidecar moves further than this is no longer in the city that the file names."""
_KM_PER_DEGREE = 111.2

Facts = Mapping[str, Any]
"""Values by the name of their payload field."""


def sidecar_facts(path: str, payload: Facts, sidecars: Sequence[Sidecar]) -> dict[str, Any]:
    """What the `sidecars` of the file `path`, best first, add to its `payload`, or replace in it."""
    mine = [sidecar for sidecar in sidecars if _describes(sidecar, path)]
    if not mine:
        return {}
    facts = dict(payload)
    for sidecar in reversed(mine):
        said = payload_of_metadata(sidecar)
        if ending(sidecar.path) == XMP:
            facts |= _said_by_xmp(said, facts)
        else:
            facts |= _gaps_filled_by(said, facts)
    problems = [f"{PurePosixPath(one.path).name}: {one.message}" for one in mine if one.reason is not None]
    facts[SIDECARS.name] = [sidecar.path for sidecar in mine]
    facts[SIDECAR_PROBLEM.name] = "; ".join(problems) or None
    return facts


def is_sidecar(row: Sidecar) -> bool:
    """Whether a file is a sidecar by its content, too: JSON that Google Takeout did not write is none."""
    return ending(row.path) == XMP or not row.is_empty or row.reason in PASSING


def _describes(sidecar: Sidecar, path: str) -> bool:
    """Whether a sidecar that is named like a photograph describes it; Adobe's `IMG_1.xmp` may be of the RAW only."""
    if not is_sidecar(sidecar):
        return False
    if sidecar.for_ending is None or is_named_in_full(path, sidecar.path):
        return True
    return ending(path) == f".{sidecar.for_ending.lower()}"


def _said_by_xmp(said: Facts, facts: Facts) -> dict[str, Any]:
    groups = [group for group in (*_TOGETHER, *_ALONE) if any(map(_is_known, _values(said, group)))]
    if said.get("rating") == 0 and _is_known(facts.get("rating")):
        groups.remove(("rating",))  # programs write 0 for a photograph that nobody rated
    if _NAMES in groups and _is_known(said.get(CITY.name)) and said.get(CITY.name) == facts.get(CITY.name):
        said = {**said, **{name: said.get(name) or facts.get(name) for name in _NAMES}}  # one may name more of it
    elif _PLACE in groups and _NAMES not in groups and _are_far(said.get(PLACE.name), facts.get(PLACE.name)):
        groups.append(_NAMES)
    if said.get(TAKEN_AT.name) is not None and not _is_better(facts, said):
        groups.append(_DATE)
    return {name: said.get(name) for group in groups for name in group}


def _are_far(one: Mapping[str, float] | None, other: Mapping[str, float] | None) -> bool:
    if one is None or other is None:
        return False
    north = (one["lat"] - other["lat"]) * _KM_PER_DEGREE
    degrees = abs(one["lon"] - other["lon"])
    east = min(degrees, 360 - degrees) * _KM_PER_DEGREE * math.cos(math.radians(one["lat"]))
    return math.hypot(north, east) > _FAR_KM


def _is_better(facts: Facts, said: Facts) -> bool:
    """Whether the date in `facts` is to be kept, rather than the one in `said`.

    It is if its source is better, or if both are the same moment and it is as precise: programs write the offset of the
    computer into XMP, or a Z after the time of the camera, or the same moment in UTC.
    """
    if facts.get(TAKEN_AT.name) is None:
        return False
    mine, other = TakenFrom(facts[TAKEN_FROM.name]), TakenFrom(said[TAKEN_FROM.name])
    if mine is not other:
        return mine.is_better_than(other)
    moment, written = _moment(facts), _moment(said)
    if written.is_refined_by(moment):
        return True
    if not (moment.precision.has_time and moment.precision is written.precision):
        return False
    difference = moment.clock.replace(microsecond=0) - written.clock.replace(microsecond=0)
    if not difference:
        return written.is_utc or written.offset is None or moment.offset is not None
    if written.is_utc:
        return difference == moment.offset if moment.offset is not None else is_offset(difference)
    return False


def _moment(facts: Facts) -> Moment:
    return Moment.parse(facts[TAKEN_AT.name], facts[TAKEN_PRECISION.name])


def _gaps_filled_by(said: Facts, facts: Facts) -> dict[str, Any]:
    groups = [group for group in (*_TOGETHER, *_ALONE) if not any(map(_is_known, _values(facts, group)))]
    taken_from = facts.get(TAKEN_FROM.name)
    if said.get(TAKEN_AT.name) and (taken_from is None or TakenFrom.TAKEOUT.is_better_than(TakenFrom(taken_from))):
        groups.append(_DATE)
    return {name: said[name] for group in groups for name in group if _is_known(said.get(name))}


def _values(facts: Facts, group: Sequence[str]) -> Iterator[Any]:
    return (facts.get(name) for name in group)


def _is_known(value: Any) -> bool:
    return value is not None and value != () and value != []
