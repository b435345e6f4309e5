"""Pages of photographs in the order of their dates, each of which goes on where the one before it ended.

The place in the order is a date and an id, not a number. So pages repeat and skip no photograph that is there all the
time, whatever comes and goes meanwhile, and each takes the same time, however far it is from the first one.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from image_pipeline.collection.engine import Engine, HeldPoint
from image_pipeline.collection.hits import Hit, Sort, hit_of
from image_pipeline.collection.photographs import (
    MOST_FILES,
    READ,
    Photograph,
    Photographs,
    of_same_picture,
    with_files,
)
from image_pipeline.collection.points import point_id
from image_pipeline.collection.where import Absent, Condition, Times, Where
from image_pipeline.schema.payload import PATH, TAKEN_LOCAL


@dataclass(frozen=True)
class DatePosition:
    """The place of a point in the order of dates: its `taken_local`, None if it has none, and its id."""

    taken_local: str | None
    id: str

    def check(self) -> None:
        """Raises ValueError if this cannot be the place of any point."""
        uuid.UUID(self.id)
        if self.taken_local is not None and datetime.fromisoformat(self.taken_local).tzinfo is not None:
            raise ValueError(f"{self.taken_local} has an offset, and dates are by the photographer's clock.")


def page_by_date(
    engine: Engine, version: str, sort: Sort, limit: int, conditions: Sequence[Condition], after: DatePosition | None
) -> tuple[list[Hit], DatePosition | None]:
    """Up to `limit` photographs that follow `after` (None: the first ones), and the place at which they end.

    That place is None if no photographs follow. Those without a date are last; equal dates are in the order of ids. A
    photograph with copies is shown where the first of its files is. Scores are None.
    """
    dates = _Dates(engine, version, sort, conditions)
    hits: list[Hit] = []
    while True:
        points, is_end = dates.following(after, limit - len(hits) + 1)
        found = Photographs()
        for point in points:
            found.add(point)
        for one, files in with_files(engine, version, found.first(len(found)), conditions):
            if not dates.is_first(one, files):
                continue
            if len(hits) == limit:
                return hits, after
            best = str(one.best.payload[PATH.name])
            hits.append(hit_of(files[best], None, [payload for path, payload in files.items() if path != best]))
            after = _position(one.best)
        if is_end:
            return hits, None
        after = _position(points[-1])


def _position(point: HeldPoint) -> DatePosition:
    return DatePosition(point.payload.get(TAKEN_LOCAL.name), str(point.id))


@dataclass(frozen=True)
class _Dates:
    """The points that meet conditions, in the order of their dates."""

    engine: Engine
    version: str
    sort: Sort
    conditions: Sequence[Condition]

    def following(self, after: DatePosition | None, count: int) -> tuple[list[HeldPoint], bool]:
        """Up to `count` points that follow, at least one if there are any; and whether no others follow them."""
        if after is not None and after.taken_local is None:
            return self._undated(after.id, count)
        points: list[HeldPoint] = []
        if after is not None and after.taken_local is not None:
            points = self._of_date(after.taken_local, after.id, count)
            if len(points) == count:
                return points, False
        wanted = count - len(points)
        bound = None if after is None or after.taken_local is None else datetime.fromisoformat(after.taken_local)
        is_newest = self.sort is Sort.NEWEST
        times = Times(TAKEN_LOCAL.name, lt=bound) if is_newest else Times(TAKEN_LOCAL.name, gt=bound)
        where = Where(must=self.conditions if bound is None else [*self.conditions, times])
        dated = self.engine.in_order(self.version, TAKEN_LOCAL.name, is_newest, wanted, where, READ)
        if len(dated) < wanted:
            points += self._sorted(dated)
            undated, is_end = self._undated(None, count - len(points))
            return [*points, *undated], is_end
        last = _date(dated[-1])
        whole = [point for point in dated if _date(point) != last]
        points += self._sorted(whole)
        # of the points with the last date, these are any: all of them have to be put in the order of their ids
        text = str(dated[-1].payload[TAKEN_LOCAL.name])
        return [*points, *self._of_date(text, None, count - len(points))], False

    def is_first(self, photograph: Photograph, files: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether the best point of a photograph with these files comes before all of its others."""
        here = self._key(photograph.best.payload)
        if any(self._key(payload) < here for payload in files.values()):
            return False
        if len(files) < MOST_FILES:
            return True
        same = [*self.conditions, of_same_picture(photograph.keys)]
        first, _ = _Dates(self.engine, self.version, self.sort, same).following(None, 1)
        return not first or self._key(first[0].payload) == here

    def _of_date(self, text: str, after: str | None, count: int) -> list[HeldPoint]:
        date = datetime.fromisoformat(text)
        return self._page([Times(TAKEN_LOCAL.name, gte=date, lte=date)], after, count)

    def _undated(self, after: str | None, count: int) -> tuple[list[HeldPoint], bool]:
        points = self._page([Absent(TAKEN_LOCAL.name)], after, count + 1)
        return points[:count], len(points) <= count

    def _page(self, conditions: Sequence[Condition], after: str | None, count: int) -> list[HeldPoint]:
        """Points in the order of their ids. The page of an engine begins with the id that it is given."""
        where = Where(must=[*self.conditions, *conditions])
        points, _ = self.engine.page(self.version, where, count + (after is not None), after, READ, False)
        return [point for point in points if str(point.id) != after][:count]

    def _sorted(self, points: Sequence[HeldPoint]) -> list[HeldPoint]:
        return sorted(points, key=lambda point: self._key(point.payload))

    def _key(self, payload: Mapping[str, Any]) -> tuple[bool, int, str]:
        text = payload.get(TAKEN_LOCAL.name)
        time = 0 if text is None else (datetime.fromisoformat(text) - datetime.min) // timedelta(microseconds=1)
        return text is None, -time if self.sort is Sort.NEWEST else time, point_id(str(payload[PATH.name]))


def _date(point: HeldPoint) -> datetime:
    return datetime.fromisoformat(str(point.payload[TAKEN_LOCAL.name]))
