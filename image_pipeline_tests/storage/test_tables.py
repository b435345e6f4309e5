"""Stage tables: a declared schema, replaced in one step, made again where they cannot be used."""

import math
import os
import random
import subprocess
import sys
import textwrap
from array import array
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from image_pipeline.errors import StoreError
from image_pipeline.schema.rows import (
    ContentHash,
    DecodedContent,
    DiscoveredFile,
    Embedding,
    ImageCaption,
    MetadataOfImage,
    Row,
    Sidecar,
    Stage,
)
from image_pipeline.stages.registry import STAGES
from image_pipeline.storage.store import Store, file_stem
from image_pipeline.storage.tables import StageTables
from image_pipeline_tests.storage.conftest import metadata, sha256, unit_vector

ROWS: list[list[Row]] = [
    [
        DiscoveredFile("Grüße/\uf7e9 日本.jpg", 1 << 40, 1_700_000_000_123_456_789, 5, "jpeg", ["Grüße/日本.xmp"]),
        DiscoveredFile("b", 0, -1, -1, None, []),
    ],
    [ContentHash("a.jpg", 3, 1, 1, sha256("a"), None), ContentHash("b.jpg", 3, 1, 1, None, "Permission denied")],
    [
        metadata(
            "a", taken_at="2021-07-03T10:11:12+02:00", keywords=["sea", "Küste"], latitude=-33.5, iso=100, rating=5
        ),
        metadata("b", keywords=[]),
    ],
    [
        DecodedContent(sha256("a"), 0, "jpeg", "1", None, None),
        DecodedContent(sha256("b"), None, None, "1", "corrupt", "x"),
        DecodedContent(sha256("c"), None, "jpeg", "1", None, None, "00ff-4000x3000"),
    ],
    [Embedding(sha256("a"), [0.5, -0.5, 0.5, 0.5])],
    [ImageCaption(sha256("a"), "a red circle\nleft of …", 0.75)],
    [
        Sidecar("a.xmp", 3, 1, 1, title="Küste", keywords=["sea"], people=[], for_ending="CR2"),
        Sidecar("b.xmp", 3, 1, 1, keywords=[], people=[], reason="corrupt", message="it is not XMP"),
    ],
]


@pytest.mark.parametrize("rows", ROWS, ids=lambda rows: rows[0].stage)
def test_rows_come_back_as_they_were(tables: StageTables, rows: list[Row]) -> None:
    row_type = type(rows[0])
    path = tables.write(row_type, "2024/Rome", rows, note="fingerprint ü")
    assert tables.read(row_type, "2024/Rome") == rows
    assert tables.read_noted(row_type, "2024/Rome")[1] == "fingerprint ü"
    assert pq.read_schema(path).remove_metadata().equals(row_type.schema())
    assert [one.nullable for one in pq.read_schema(path)] == [one.nullable for one in row_type.schema()]
    assert row_type.descriptions().keys() == set(row_type.schema().names)
    tables.write(row_type, "2024/Rome", [])
    assert tables.read(row_type, "2024/Rome") == []
    assert tables.read_noted(row_type, "2024/Rome")[1] == ""


@pytest.mark.parametrize("stage", Stage)
def test_the_rows_of_every_stage_come_back_as_they_were(tables: StageTables, stage: Stage) -> None:
    row_type = STAGES[stage].row
    values = {"string": "日本", "int64": 1 << 40, "double": 1 / 3, "float": 0.5, "list<item: string>": ["sea", "Küste"]}
    values["list<item: float>"] = array("f", [0.5, -0.5])
    columns = row_type.schema()
    full = row_type(**{column.name: values[str(column.type)] for column in columns})
    bare = row_type(**{column.name: None if column.nullable else values[str(column.type)] for column in columns})
    tables.write(row_type, "2024/Rome", [full, bare])
    assert tables.read(row_type, "2024/Rome") == [full, bare]


def test_a_table_is_read_by_other_programs(tables: StageTables) -> None:
    path = tables.write(Embedding, ".", [Embedding(sha256("a"), unit_vector("a"))])
    frame = pq.read_table(path).to_pandas()
    assert frame.columns.tolist() == ["sha256", "vector"]
    assert math.isclose(float((frame["vector"][0] ** 2).sum()), 1.0, rel_tol=1e-6)


def test_a_table_that_is_not_there_says_what_to_do(tables: StageTables) -> None:
    assert tables.read_if_exists(Embedding, "a") is None
    for read in (tables.read, tables.read_noted):
        with pytest.raises(StoreError, match=r"no embeddings of partition 'a'.*materialize embeddings"):
            read(Embedding, "a")


def test_a_table_with_other_columns_is_made_again(tables: StageTables, store: Store) -> None:
    path = tables.write(ContentHash, "a", [])
    pq.write_table(pa.table({"path": ["a"], "sha256": ["b"]}), path)
    assert tables.read_if_exists(ContentHash, "a") is None
    older = [pa.field(one.name, pa.int32() if one.name == "size_bytes" else one.type) for one in ContentHash.schema()]
    pq.write_table(pa.schema(older).empty_table(), path)
    assert tables.read_if_exists(ContentHash, "a") is None, "the same names, another type"


def test_a_damaged_table_is_made_again(tables: StageTables) -> None:
    rows = [metadata(f"{n}", title=f"title {n}", keywords=["a", "b"]) for n in range(50)]
    path = tables.write(MetadataOfImage, "a", rows)
    good, drawn = path.read_bytes(), random.Random(5)
    outcomes = []
    for _ in range(300):
        damaged = bytearray(good)
        damaged[drawn.randrange(len(good))] ^= 1 << drawn.randrange(8)
        path.write_bytes(damaged[: drawn.choice([len(good), drawn.randrange(len(good))])])
        outcomes.append(tables.read_if_exists(MetadataOfImage, "a"))
    assert outcomes.count(None) > 200
    assert sum(outcome not in (None, rows) for outcome in outcomes) <= 3, "checksums find nearly all"


def test_a_table_that_the_system_withholds_is_an_error(tables: StageTables, store: Store) -> None:
    store.table_file(Stage.EMBEDDINGS, "a").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"cannot be read \(Is a directory\)"):
        tables.read_if_exists(Embedding, "a")
    with pytest.raises(StoreError, match=r"cannot be written \(Is a directory\).*IMAGE_PIPELINE_HOME"):
        tables.write(Embedding, "a", [])
    assert not [path for path in (store.home / "tables").rglob("*") if path.is_file()], "nothing half-written is left"


def test_a_store_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be created .*IMAGE_PIPELINE_HOME"):
        Store(tmp_path / "file" / "store").prepare()
    with pytest.raises(StoreError, match="cannot be written"):
        StageTables(Store(tmp_path / "file" / "store")).write(Embedding, "a", [])


def test_a_store_may_have_a_name_of_any_bytes(tmp_path: Path) -> None:
    tables = StageTables(Store(tmp_path / os.fsdecode(b"store-\xff")))
    tables.write(ContentHash, "a", [], note="n")
    assert tables.read(ContentHash, "a") == []


def test_a_reader_in_another_process_sees_one_table_or_the_other(tables: StageTables, store: Store) -> None:
    versions = [[ContentHash(f"{n}.jpg", n, version, version, None, None) for n in range(200)] for version in range(2)]
    tables.write(ContentHash, "a", versions[0])
    program = textwrap.dedent(
        f"""
        from pathlib import Path
        from image_pipeline.schema.rows import ContentHash
        from image_pipeline.storage.store import Store
        from image_pipeline.storage.tables import StageTables
        tables, seen = StageTables(Store(Path({str(store.home)!r}))), set()
        print("ready", flush=True)
        while not Path({str(store.home / "stop")!r}).exists():
            rows = tables.read(ContentHash, "a")
            seen.add((len(rows), tuple(sorted({{row.mtime_ns for row in rows}}))))
        print(sorted(seen))
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for n in range(100):
            tables.write(ContentHash, "a", versions[n % 2])
        (store.home / "stop").touch()
        assert reader.stdout.read().strip() == "[(200, (0,)), (200, (1,))]"
    assert reader.returncode == 0


def test_deleting_a_partition_takes_its_tables_of_all_stages_and_no_others(tables: StageTables, store: Store) -> None:
    samples: dict[Stage, Sequence[Row]] = {rows[0].stage: rows for rows in ROWS}
    for stage in Stage:
        for key in ("a", "a#0of2", "b"):
            tables.write(STAGES[stage].row, key, samples.get(stage, []))
    tables.delete("a")
    tables.delete("never there")
    left = sorted(path.name for path in (store.home / "tables").rglob("*.parquet"))
    assert left == sorted([f"{file_stem(key)}.parquet" for key in ("a#0of2", "b")] * len(Stage))


def test_file_names_are_readable_and_never_shared() -> None:
    keys = [".", "a", "A", "a/b", "a_b", "a b", "a#0of2", "x" * 4000, "x" * 4001, "日本", "日本人", "..%2E", "-"]
    stems = [file_stem(key) for key in keys]
    assert len({stem.lower() for stem in stems}) == len(keys)
    assert all(len(stem) < 120 and not stem.startswith(".") and "/" not in stem for stem in stems)
    assert file_stem("2024/Rome").startswith("2024_Rome-")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (DiscoveredFile("trip/a.jpg", 1, 1 << 63, 0, None), ["trip/a.jpg", "mtime_ns", "9223372036854775808"]),
        (DiscoveredFile("trip/a.jpg", 1, 0, 0, "\ud800"), ["trip/a.jpg", "format"]),
    ],
)
def test_a_row_that_does_not_fit_is_named(store: Store, row: DiscoveredFile, words: list[str]) -> None:
    good = DiscoveredFile("trip/good.jpg", 1, 0, 0, None)
    with pytest.raises(StoreError) as raised:
        StageTables(store).write(DiscoveredFile, "trip", [good, row])
    assert all(word in str(raised.value) for word in words), raised.value


def test_a_table_without_a_column_that_was_added_later_is_read_with_null(tables: StageTables) -> None:
    whole = DecodedContent(sha256("a"), 0, "jpeg", "1", None, None, "10 % of the rows", "00ff-4000x3000")
    path = tables.write(DecodedContent, "p", [whole], note="run-1")
    pq.write_table(pq.read_table(path).drop_columns(["damaged", "pixels"]), path)
    older = [DecodedContent(sha256("a"), 0, "jpeg", "1", None, None)]
    assert tables.read_noted(DecodedContent, "p") == (older, "run-1")
    assert tables.first(DecodedContent, "p", 10) == older
    assert tables.note(DecodedContent, "p") == "run-1"
    for other in ("decode_path", "decoder"):
        tables.write(DecodedContent, "p", [whole])
        pq.write_table(pq.read_table(path).drop_columns([other]), path)
        assert tables.read_if_exists(DecodedContent, "p") is None
        assert tables.first(DecodedContent, "p", 10) == []
        assert tables.note(DecodedContent, "p") is None
