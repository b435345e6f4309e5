"""The figures of a report, from made tables of files."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from image_pipeline.services.library_table import columns, table_of
from image_pipeline.services.report import Copy, Count, DuplicateGroup, Report, report_on


def report_of(*rows: dict[str, Any]) -> Report:
    filled = [{"path": f"{number}.jpg", "sha256": str(number), **row} for number, row in enumerate(rows)]
    return report_on(table_of(filled))


def dated(local: str, precision: str) -> dict[str, str]:
    return {"taken_local": local, "taken_precision": precision}


def counts(found: Sequence[Count]) -> dict[str, int]:
    return {count.label: count.files for count in found}


def test_a_library_without_files() -> None:
    found = report_of()
    assert (found.files, found.indexed, found.size_bytes, found.undated, found.duplicates.groups) == (0, 0, 0, 0, 0)
    assert not any([found.years, found.months, found.cameras, found.formats, found.decode_paths, found.reasons])
    assert list(found.quarantine) == list(found.duplicates.first) == []


def test_a_date_counts_at_its_own_precision() -> None:
    found = report_of(
        dated("2021-01-01T00:00:00", "year"),
        dated("2021-01-01T00:00:00", "day"),
        dated("2021-03-01T00:00:00", "month"),
        dated("2023-12-31T23:59:59", "second"),
        dated("1890-01-01T00:00:00", "year"),
        {},
        {"reason": "corrupt"},
    )
    assert counts(found.years) == {"1890": 1, "1891–2020": 0, "2021": 2 + 1, "2022": 0, "2023": 1}, "gaps are one entry"
    assert found.undated == 1, "a file in quarantine has no date that could be missing"
    assert list(found.months) == ["2023", "2021", "1890"]
    assert {label: files for label, files in counts(found.months["2021"]).items() if files} == {
        "2021-01": 1,
        "2021-03": 1,
        "month unknown": 1,
    }
    assert counts(found.months["2023"])["2023-12"] == 1 and len(found.months["2023"]) == 12


def test_counts_are_of_points_or_of_all_files() -> None:
    found = report_of(
        {"size_bytes": 5, "decode_path": "full", "format": "jpeg", "damaged": "half"},
        {"size_bytes": 7, "decode_path": "scaled", "format": "png"},
        {"size_bytes": 1, "decode_path": "full", "format": "jpeg"},
        {"reason": "corrupt", "message": "bad", "format": "png"},
        {"reason": "empty", "message": "no bytes"},
        {"reason": "corrupt", "message": "bad"},
    )
    assert (found.files, found.indexed, found.damaged, found.size_bytes) == (6, 3, 1, 13)
    assert counts(found.decode_paths) == {"full": 2, "scaled": 1}
    assert found.formats == [Count("jpeg", 2), Count("png", 2), Count("unknown", 2, is_value=False)]
    assert found.reasons == [Count("corrupt", 2), Count("empty", 1)]
    assert [(file.path, file.reason, file.message) for file in found.quarantine] == [
        *[("3.jpg", "corrupt", "bad"), ("4.jpg", "empty", "no bytes"), ("5.jpg", "corrupt", "bad")]
    ]


def test_twenty_cameras_and_the_others() -> None:
    rows = [
        {"camera_make": "MAKER CORP.", "camera_model": f"M{number:02}"}
        for number in range(23)
        for _ in range(number + 1)
    ]
    found = report_of(*rows, {}, {"camera_make": "Only"})
    assert len(found.cameras) == 22
    assert (found.cameras[0], found.cameras[19]) == (Count("MAKER M22", 23), Count("MAKER M03", 4))
    assert found.cameras[20:] == [
        *[Count("4 others", 3 + 2 + 1 + 1, is_value=False), Count("unknown", 1, is_value=False)]
    ]


def test_duplicates() -> None:
    found = report_of(
        {"path": "a", "sha256": "1", "pixels": "p", "size_bytes": 10},
        {"path": "b", "sha256": "1", "size_bytes": 10},  # an older version decoded it
        {"path": "c", "sha256": "2", "pixels": "p", "size_bytes": 12},
        {"path": "d", "sha256": "3", "pixels": "q", "size_bytes": 900},
        {"path": "e", "sha256": "4", "size_bytes": 50},
        {"path": "f", "sha256": "4", "size_bytes": 50},
        {"path": "g", "sha256": "5", "reason": "corrupt"},
        {"path": "h", "sha256": "5", "reason": "corrupt"},
    ).duplicates
    assert (found.groups, found.files, found.files_repeated, found.bytes_repeated, found.identical_repeated) == (
        2,
        5,
        3,
        70,
        2,
    )
    assert found.first == [
        DuplicateGroup([Copy("e", 50, True), Copy("f", 50, True)], 50),
        DuplicateGroup([Copy("c", 12, False), Copy("a", 10, True), Copy("b", 10, True)], 20),
    ]


def test_only_the_first_groups_are_listed() -> None:
    rows = [{"pixels": f"p{number}", "size_bytes": number} for number in range(250) for _ in range(2)]
    found = report_of(*rows).duplicates
    assert (found.groups, len(found.first), found.first[0].bytes_repeated) == (250, 200, 249)


def test_every_column_has_its_type() -> None:
    table = table_of([{"path": "a", "width": 6720, "exposure_s": 0.5}])
    assert {name: str(table[name].dtype) for name in ("path", "width", "exposure_s", "latitude", "reason")} == {
        "path": "str",
        "width": "Int64",
        "exposure_s": "float64",
        "latitude": "float64",
        "reason": "str",
    }
    assert list(table.columns) == [name for name, _ in columns()]
    assert isinstance(table, pd.DataFrame)
