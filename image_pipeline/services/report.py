"""The report on a library: counts by date, camera, format, way of decoding and reason, and duplicates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from image_pipeline.schema.camera import camera_name
from image_pipeline.schema.moment import Precision
from image_pipeline.schema.payload import CAMERA_MODEL, PATH, PIXELS, SHA256, TAKEN_LOCAL, TAKEN_PRECISION
from image_pipeline.services.library_table import FORMAT, MESSAGE, REASON

if TYPE_CHECKING:
    import pandas as pd

UNKNOWN = "unknown"
_CAMERAS = 20
_YEARS_BY_MONTH = 3
_GROUPS = 200
_LONGEST_GAP = 3
_SIZE = "size_bytes"


@dataclass(frozen=True)
class Count:
    """The number of files with the value `label`; if not `is_value`, of those with several values, or with none."""

    label: str
    files: int
    is_value: bool = True


@dataclass(frozen=True)
class Copy:
    """A file of a group of duplicates: `is_identical` if another file of the group has the same bytes."""

    path: str
    size_bytes: int
    is_identical: bool


@dataclass(frozen=True)
class DuplicateGroup:
    """Files with the same picture, largest first; `bytes_repeated` is the size of all but the largest."""

    copies: Sequence[Copy]
    bytes_repeated: int


@dataclass(frozen=True)
class Duplicates:
    """Files with the same picture: same pixels as the embedding model sees them, same width and height.

    `groups` pictures have several files, `files` in total. All but the largest of each group repeat a picture:
    `files_repeated` files of `bytes_repeated` bytes; `identical_repeated` of them have the same bytes as another file.
    `first` are the groups whose copies take most bytes.
    """

    groups: int
    files: int
    files_repeated: int
    bytes_repeated: int
    identical_repeated: int
    first: Sequence[DuplicateGroup]


@dataclass(frozen=True)
class Quarantined:
    """A file in quarantine."""

    path: str
    reason: str
    message: str


@dataclass(frozen=True)
class Report:
    """Counts of files, most frequent first; by date, in the order of time.

    `size_bytes` is the size of the indexed files. `years` counts photographs on the photographer's clock, each date as
    precisely as it is known: `months` counts those of the last years whose month is known, and those of the same years
    whose month is not. `undated` is the number of photographs without a date.
    """

    files: int
    indexed: int
    damaged: int
    size_bytes: int
    years: Sequence[Count]
    months: dict[str, Sequence[Count]]
    undated: int
    cameras: Sequence[Count]
    formats: Sequence[Count]
    decode_paths: Sequence[Count]
    reasons: Sequence[Count]
    duplicates: Duplicates
    quarantine: Sequence[Quarantined]


def report_on(table: "pd.DataFrame") -> Report:
    """The report on the files of a `library_table`."""
    points, quarantined = table[table[REASON].isna()], table[table[REASON].notna()]
    dates = points.loc[
        points[TAKEN_LOCAL.name].str.match(r"\d{4}-\d\d", na=False), [TAKEN_LOCAL.name, TAKEN_PRECISION.name]
    ]
    return Report(
        files=len(table),
        indexed=len(points),
        damaged=int(points["damaged"].notna().sum()),
        size_bytes=int(points[_SIZE].sum()),
        years=_years(dates),
        months=_months(dates),
        undated=len(points) - len(dates),
        cameras=_counts(_cameras(points), _CAMERAS),
        formats=_counts(table[FORMAT]),
        decode_paths=_counts(points["decode_path"]),
        reasons=_counts(quarantined[REASON]),
        duplicates=_duplicates(points),
        quarantine=[
            Quarantined(path, reason, message)
            for path, reason, message in zip(
                *(quarantined[name].fillna("") for name in (PATH.name, REASON, MESSAGE)), strict=True
            )
        ],
    )


def _counts(values: "pd.Series[str]", limit: int | None = None) -> list[Count]:
    """The number of each value, most frequent first; those beyond `limit` are counted together, the unknown last."""
    found = values.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    counts = [Count(str(value), int(number)) for value, number in found.items()]
    rest, unknown = counts[limit:] if limit is not None else [], int(values.isna().sum())
    if len(rest) > 1:
        counts = [*counts[:limit], Count(f"{len(rest):,} others", sum(count.files for count in rest), False)]
    return [*counts, Count(UNKNOWN, unknown, False)] if unknown else counts


def _cameras(points: "pd.DataFrame") -> "pd.Series[str]":
    import pandas as pd

    pairs = points[["camera_make", CAMERA_MODEL.name]].fillna("").itertuples(index=False)
    return pd.Series([camera_name(make, model) for make, model in pairs], dtype="str")


def _years(dates: "pd.DataFrame") -> list[Count]:
    """Photographs by year; of the years between that have none, many are one entry, such as `1966–1992`."""
    found = dates[TAKEN_LOCAL.name].str[:4].value_counts()
    counts = {int(str(year)): int(number) for year, number in found.items()}
    years: list[Count] = []
    before: int | None = None
    for year in sorted(counts):
        if before is not None and year - before > _LONGEST_GAP:
            years.append(Count(f"{before + 1:04}–{year - 1:04}", 0, is_value=False))
        elif before is not None:
            years += (Count(f"{between:04}", 0) for between in range(before + 1, year))
        years.append(Count(f"{year:04}", counts[year]))
        before = year
    return years


def _months(dates: "pd.DataFrame") -> dict[str, Sequence[Count]]:
    """Photographs by month, for each of the last years that have any, latest first."""
    years = dates[TAKEN_LOCAL.name].str[:4]
    found: dict[str, Sequence[Count]] = {}
    for year in sorted(years.unique(), reverse=True)[:_YEARS_BY_MONTH]:
        those = dates[years == year]
        is_known = those[TAKEN_PRECISION.name] != str(Precision.YEAR)
        months = those.loc[is_known, TAKEN_LOCAL.name].str[:7].value_counts()
        counts = [Count(name, int(months.get(name, 0))) for name in (f"{year}-{month:02}" for month in range(1, 13))]
        unknown = int((~is_known).sum())
        found[str(year)] = [*counts, Count("month unknown", unknown, False)] if unknown else counts
    return found


def _duplicates(points: "pd.DataFrame") -> Duplicates:
    some = points[[PATH.name, SHA256.name, PIXELS.name, _SIZE]].copy()
    # a file that an older version decoded has no pixels, unless an identical file has
    of_content = some.dropna(subset=[PIXELS.name]).drop_duplicates(SHA256.name).set_index(SHA256.name)[PIXELS.name]
    of_copies = some[SHA256.name].map(of_content).astype("str")
    pixels = some[PIXELS.name].fillna(of_copies).fillna(some[SHA256.name])
    some[_SIZE] = some[_SIZE].fillna(0)
    some = some.assign(picture=pixels)[pixels.duplicated(keep=False)]
    some = some.sort_values([_SIZE, PATH.name], ascending=[False, True])
    some["identical"] = some.duplicated(SHA256.name, keep=False)
    groups = some.groupby("picture", sort=True)[_SIZE]
    saved = (groups.sum() - groups.max()).sort_values(ascending=False, kind="stable")
    first = some[some["picture"].isin(saved.index[:_GROUPS])].groupby("picture")
    return Duplicates(
        groups=len(saved),
        files=len(some),
        files_repeated=len(some) - len(saved),
        bytes_repeated=int(saved.sum()),
        identical_repeated=int(some.duplicated(SHA256.name).sum()),
        first=[
            DuplicateGroup(
                [
                    Copy(path, int(size), bool(identical))
                    for path, size, identical in zip(
                        *(group[name] for name in (PATH.name, _SIZE, "identical")), strict=True
                    )
                ],
                int(saved[picture]),
            )
            for picture, group in sorted(first, key=lambda item: (-int(saved[item[0]]), str(item[0])))
        ],
    )
