"""Qdrant Edge in a folder: what is kept beside it, what a kill leaves behind, and what a person is told of damage."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import qdrant_edge as qe

from image_pipeline.collection.edge import opened
from image_pipeline.collection.edge import shards as shards_module
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline.collection.edge.catalog import Catalog, Entry, read_catalog, write_catalog
from image_pipeline.collection.edge.holes import OPERATIONS
from image_pipeline.collection.edge.opened import Opened
from image_pipeline.collection.points import Point, make_point
from image_pipeline.collection.where import ANYWHERE
from image_pipeline.errors import CollectionError, ServiceUnavailableError, StoreError
from image_pipeline.schema.column import Index
from image_pipeline.schema.payload import PAYLOAD
from image_pipeline.storage.own_files import contents
from image_pipeline_tests.collection.oracle import Oracle
from image_pipeline_tests.collection.population import PARTITIONS, many_points
from image_pipeline_tests.storage.conftest import NEXT_VERSION, VERSION, unit_vector
from image_pipeline_tests.support.room import Room

UUID_NAME = "0F8FAD5B-D9CB-469F-A165-70867728950E"


def fill(address: EdgeAddress, points: list[Point]) -> None:
    with address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        collection.ensure()
        list(collection.upsert(points))


def photo(path: str) -> Point:
    return make_point(path, unit_vector(path), {"partition": "a", "sha256": path})


def shards(address: EdgeAddress) -> list[str]:
    return sorted(path.name for path in address.directory.glob("shard-*"))


def test_every_declared_field_is_indexed_and_nothing_has_a_graph(edge_address: EdgeAddress) -> None:
    fill(edge_address, many_points(50, seed=3))
    (folder,) = shards(edge_address)
    shard = qe.EdgeShard.load(str(edge_address.directory / folder))
    info = shard.info()
    shard.close()
    assert {"partition", "sha256", "pixels", "place", "taken_at", "caption"} <= info.payload_schema.keys()
    assert all(index.params.enable_hnsw is False for index in info.payload_schema.values())
    # only the words, whose index is exact; a graph of the embeddings would count 50 more
    assert (info.points_count, info.indexed_vectors_count) == (50, 50)
    config = json.loads((edge_address.directory / folder / "edge_config.json").read_text())
    assert config["vectors"][""]["datatype"] == "float16"
    assert not list(edge_address.directory.rglob("graph.bin"))


def test_only_what_the_catalogue_names_exists(edge_address: EdgeAddress) -> None:
    points = many_points(20, seed=4)
    fill(edge_address, points)
    (folder,) = shards(edge_address)
    # as if it had been killed in between two steps of a creation, and of writing the catalogue
    shutil.copytree(edge_address.directory / folder, edge_address.directory / "shard-7")
    (edge_address.directory / ".catalog.json.tmp").write_text('{"format"')
    (edge_address.directory / folder / "temp_segments" / "left").mkdir(parents=True)
    with edge_address.connect("images") as qdrant:
        assert qdrant.versions() == [VERSION.name]
        assert qdrant.points(VERSION.name).digests(PARTITIONS) == Oracle(points).digests(PARTITIONS)
        assert shards(edge_address) == [folder]
        assert not list((edge_address.directory / folder / "temp_segments").glob("*"))
        qdrant.collection(NEXT_VERSION).ensure()
    assert len(shards(edge_address)) == 2


def test_a_deleted_version_leaves_no_files(edge_address: EdgeAddress) -> None:
    fill(edge_address, [photo("a/1.jpg")])
    with edge_address.connect("images") as qdrant:
        qdrant.delete_versions([VERSION.name])
        assert shards(edge_address) == []
    assert edge_address.versions("images") == []


def test_a_vector_that_would_spoil_the_log_is_refused_before_it(edge_address: EdgeAddress) -> None:
    fill(edge_address, [photo("a/1.jpg")])
    for wrong in ([1.0] * 7, [float("nan"), 0.0, 0.0, 0.0], [float("inf"), 0.0, 0.0, 0.0]):
        with edge_address.connect("images") as qdrant, pytest.raises(ValueError, match="a vector of"):
            list(qdrant.collection(VERSION).upsert([make_point("a/2.jpg", wrong, {"partition": "a"})]))
    with edge_address.connect("images") as qdrant:
        assert qdrant.collection(VERSION).counts(["a"]) == {"a": 1}


def test_a_catalogue_survives_a_round_trip(tmp_path: Path) -> None:
    catalog = Catalog().having("images--0", Entry("shard-1", 4, {"library": "/日本"})).pointing("images", "images--0")
    write_catalog(tmp_path, catalog)
    assert read_catalog(tmp_path) == catalog
    assert [path.name for path in tmp_path.iterdir()] == ["catalog.json"]
    assert catalog.new_folder(["shard-2"]) == "shard-3"
    assert catalog.without("images--0") == Catalog()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "collections": {"a": {"folder": "../x"}}, "aliases": {}}']
)
def test_a_damaged_catalogue_is_told(edge_address: EdgeAddress, text: str) -> None:
    fill(edge_address, [photo("a/1.jpg")])
    (edge_address.directory / "catalog.json").write_text(text)
    with pytest.raises(CollectionError, match=r"catalog.json is damaged\): delete that folder and ingest"):
        edge_address.versions("images")
    with pytest.raises(CollectionError, match="is damaged"), edge_address.connect("images") as qdrant:
        qdrant.versions()


def test_a_catalogue_of_a_newer_version_is_left_alone(edge_address: EdgeAddress) -> None:
    fill(edge_address, [photo("a/1.jpg")])
    file = edge_address.directory / "catalog.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 2}))
    with pytest.raises(CollectionError, match="newer version"), edge_address.connect("images") as qdrant:
        qdrant.versions()
    assert len(shards(edge_address)) == 1


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def empty_configuration(folder: Path) -> None:
    (folder / "edge_config.json").write_bytes(b"")


def spoil_segment(folder: Path) -> None:
    next(folder.rglob("segment.json")).write_bytes(os.urandom(200))


@pytest.mark.parametrize("spoil", [remove_folder, empty_configuration, spoil_segment])
def test_a_damaged_shard_is_told(edge_address: EdgeAddress, spoil: Callable[[Path], None]) -> None:
    fill(edge_address, many_points(50, seed=5))
    (folder,) = shards(edge_address)
    spoil(edge_address.directory / folder)
    with (
        pytest.raises(CollectionError, match=rf"'{VERSION.name}'.* is damaged .*image-pipeline repair"),
        edge_address.connect("images") as qdrant,
    ):
        assert qdrant.points(VERSION.name).count() == 50


def test_a_refusal_is_told(edge_address: EdgeAddress) -> None:
    with pytest.raises(CollectionError, match="refused a request"), edge_address.connect("images") as qdrant:
        qdrant.collection(VERSION).ensure()
        qdrant.points(VERSION.name)._engine.facet(VERSION.name, "no_such_field", ANYWHERE, 3)


def test_points_that_were_acknowledged_outlast_a_kill(edge_address: EdgeAddress) -> None:
    program = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        from image_pipeline.collection.edge.address import EdgeAddress
        from image_pipeline_tests.collection.population import many_points
        from image_pipeline_tests.storage.conftest import VERSION
        with EdgeAddress(Path({str(edge_address.directory)!r}), Path({str(edge_address.lock_file)!r})).connect(
            "images"
        ) as qdrant:
            collection = qdrant.collection(VERSION)
            collection.ensure()
            for number, point in enumerate(many_points(10_000, seed=6)):
                list(collection.upsert([point]))
                print(number, flush=True)
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() not in ("300\n", ""):
            pass
        process.kill()
        acknowledged = max([300, *(int(line) for line in process.stdout.read().split("\n")[:-1])])
    with edge_address.connect("images") as qdrant:
        held = {
            key: digest
            for one in qdrant.collection(VERSION).digests(PARTITIONS).values()
            for key, digest in one.items()
        }
    expected = many_points(10_000, seed=6)
    assert len(held) in (acknowledged + 1, acknowledged + 2)
    assert held.items() >= {(point.id, point.digest) for point in expected[: acknowledged + 1]}


def test_another_programs_use_of_a_shard_is_told(edge_address: EdgeAddress) -> None:
    fill(edge_address, [photo("a/1.jpg")])
    with edge_address.connect("images") as qdrant:
        assert qdrant.points(VERSION.name).count() == 1
        second = Opened(edge_address.directory)
        with pytest.raises(ServiceUnavailableError, match="in use by another program"):
            second.shard(VERSION.name)


def test_its_files_belong_to_the_store(edge_address: EdgeAddress) -> None:
    fill(edge_address, many_points(20, seed=4))
    home = edge_address.directory.parent
    (home / "qdrant-edge" / "notes.txt").touch()
    for is_marked in (True, False):
        found = contents(home, is_marked)
        assert [str(path) for path in found.others] == ["qdrant-edge/notes.txt"]
        assert found.is_proven != is_marked
        assert found.listed()["qdrant-edge/shard-<number>/"] > 10
        assert [str(file) for file in found.files if len(file.parts) == 2 or len(file.parts) == 1][-1] == (
            "qdrant-edge/catalog.json"
        )
    (home / "qdrant-edge" / "catalog.json").write_text('{"collections": {"mine": {}}, "aliases": {}}')
    assert not any("qdrant-edge" in str(file) for file in contents(home, is_marked=False).files)


def spoilt(folder: Path, pattern: str, how: str) -> None:
    """Spoil the first file of that pattern."""
    file = sorted(folder.rglob(pattern))[0]
    content = file.read_bytes()
    if how == "removed":
        file.unlink()
    elif how == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif how == "zeros":
        file.write_bytes(bytes(len(content)))
    elif how == "huge":  # the number of a point, for which memory is allocated
        file.write_bytes(content[:17] + b"\xff\xff\xff\x7f" + content[21:])
    else:
        flipped = bytearray(content)
        for place in range(0, len(content), max(1, len(content) // 97)):
            flipped[place] ^= 0xA5
        file.write_bytes(flipped)


@pytest.mark.parametrize(
    ("pattern", "how"),
    [
        ("edge_config.json", "removed"),
        ("segment.json", "cut"),
        ("*id_tracker.mappings", "flipped"),
        ("*id_tracker.mappings", "huge"),  # it ends the process that reads it
        ("*id_tracker.mappings", "zeros"),
        ("*partitio-map/tracker.dat", "zeros"),  # no point would be found in any partition
        ("*caption-text/tracker.dat", "zeros"),
        ("*place-map/page_0.dat", "zeros"),  # searches by place would find nothing
        ("*taken_at-numeric/page_0.dat", "zeros"),
        ("payload_index/config.json", "removed"),
    ],
)
def test_a_checkup_finds_damage(edge_address: EdgeAddress, pattern: str, how: str) -> None:
    fill(edge_address, many_points(100, seed=5))
    with edge_address.connect("images") as qdrant:
        assert qdrant.damage(VERSION.name) is None
        assert qdrant.points(VERSION.name).count() == 100
    (folder,) = shards(edge_address)
    spoilt(edge_address.directory / folder, pattern, how)
    with edge_address.connect("images") as qdrant:
        assert qdrant.damage(VERSION.name)
        qdrant.delete_versions([VERSION.name])
        qdrant.collection(VERSION).ensure()
        list(qdrant.collection(VERSION).upsert(many_points(100, seed=5)))
        assert qdrant.damage(VERSION.name) is None
        assert qdrant.points(VERSION.name).count() == 100


def test_damage_that_kills_is_told(edge_address: EdgeAddress) -> None:
    fill(edge_address, many_points(100, seed=5))
    (folder,) = shards(edge_address)
    spoilt(edge_address.directory / folder, "*id_tracker.mappings", "huge")
    for _ in range(2):
        with pytest.raises(CollectionError, match=r"is damaged \(.*SIG.*image-pipeline repair"):  # noqa: SIM117
            with edge_address.connect("images") as qdrant:
                qdrant.points(VERSION.name).count()
    with edge_address.connect("images") as qdrant:
        assert qdrant.damage(VERSION.name)
        qdrant.delete_versions([VERSION.name])
    assert not (edge_address.directory / "open").exists()


def test_what_was_closed_is_not_checked_when_it_is_opened(
    edge_address: EdgeAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Path] = []
    check = opened.damage_of

    def count(folder: Path, is_whole: bool) -> str | None:
        checked.append(folder)
        return check(folder, is_whole)

    monkeypatch.setattr(opened, "damage_of", count)
    fill(edge_address, many_points(100, seed=5))
    for _ in range(3):
        with edge_address.connect("images") as qdrant:
            assert qdrant.points(VERSION.name).count() == 100
        fill(edge_address, many_points(100, seed=6))
    assert not checked
    with edge_address.connect("images") as qdrant:
        assert qdrant.damage(VERSION.name) is None
    with edge_address.connect("images") as qdrant:
        assert qdrant.points(VERSION.name).count() == 100
    assert len(checked) == 1
    (folder,) = shards(edge_address)
    copied = edge_address.directory.parent / "copied"
    shutil.copytree(edge_address.directory / folder, copied, copy_function=shutil.copyfile)
    shutil.rmtree(edge_address.directory / folder)
    copied.rename(edge_address.directory / folder)
    for _ in range(2):
        with edge_address.connect("images") as qdrant:
            assert qdrant.points(VERSION.name).count() == 100
    assert len(checked) == 2


def test_after_a_kill_what_is_sound_is_used_as_before(edge_address: EdgeAddress) -> None:
    fill(edge_address, many_points(100, seed=5))
    assert not (edge_address.directory / "open").exists()
    (edge_address.directory / "open").touch()
    with edge_address.connect("images") as qdrant:
        assert qdrant.points(VERSION.name).count() == 100
    assert not (edge_address.directory / "open").exists()


def test_a_full_disk_is_told_and_ends_no_process(memory: Path) -> None:
    with Room(memory / "disk of an edge", 400) as room:
        if not room.is_small:
            pytest.skip("A small disk cannot be mounted here: that takes the right to mount a tmpfs.")
        address = EdgeAddress(room.directory / "qdrant-edge", room.directory / "qdrant.lock", lock_seconds=1.0)
        points = many_points(300, seed=5)
        fill(address, points[:200])
        room.fill(0)
        with pytest.raises(StoreError, match=r"less than 128 MB are free.*make room on its disk"):
            fill(address, points)
        with pytest.raises(StoreError, match="make room on its disk"), address.connect("images") as qdrant:
            qdrant.points(VERSION.name).count()
        with pytest.raises(StoreError, match="make room on its disk"), address.connect("images") as qdrant:
            qdrant.damage(VERSION.name)
        room.make_space()
        with address.connect("images") as qdrant:
            collection = qdrant.collection(VERSION)
            assert collection.count() == 200
            room.fill(0)
            with pytest.raises(OSError, match="128 MB"):
                list(collection.upsert(points))
            assert collection.count() == 200, "what is open can still be read"
        room.make_space()
        fill(address, points)
        with address.connect("images") as qdrant:
            assert qdrant.damage(VERSION.name) is None
            assert qdrant.collection(VERSION).count() == 300


_FILLS_THE_DISK = """
import sys
from pathlib import Path
from image_pipeline.collection.edge import opened
from image_pipeline.collection.edge.address import EdgeAddress
from image_pipeline_tests.collection.test_edge import fill, many_points
from image_pipeline_tests.support.room import Room

name, number, is_reserved = sys.argv[2], int(sys.argv[3]), sys.argv[4] == "True"
room = Room(Path(sys.argv[1]), 0)
owner = opened if name == "reserve" else opened.Opened
look, looks = getattr(owner, name), []

def look_and_fill(*arguments):
    if name != "reserve" or is_reserved:
        look(*arguments)
    looks.append(name)
    if len(looks) == number:
        room.fill(0)

setattr(owner, name, look_and_fill)
address = EdgeAddress(room.directory / "qdrant-edge", room.directory / "qdrant.lock")
fill(address, many_points(1, seed=5))
fill(address, many_points(40_000, seed=5))
"""

_INDEXES = sum(field.index is not Index.NONE for field in PAYLOAD)
_FIRST_POINT = -(-_INDEXES // OPERATIONS) + 1


@pytest.mark.parametrize(
    ("name", "number", "is_reserved"),
    [
        ("check_room", 1, True),  # before the shard is created
        ("check_room", 2, True),  # before it is loaded for the first time
        ("reserve", 2, True),  # among the indexes
        ("reserve", _FIRST_POINT, True),
        ("reserve", _FIRST_POINT + 2, True),
        ("reserve", _FIRST_POINT + 2, False),
    ],
)
def test_a_disk_that_fills_after_the_check_ends_no_process(
    memory: Path, name: str, number: int, is_reserved: bool
) -> None:
    """A different program takes all space between the check of the free space and the write."""
    with Room(memory / f"disk of an edge {name} {number} {is_reserved}", 500) as room:
        if not room.is_small:
            pytest.skip("A small disk cannot be mounted here: that takes the right to mount a tmpfs.")
        arguments = [str(room.directory), name, str(number), str(is_reserved)]
        done = subprocess.run([sys.executable, "-c", _FILLS_THE_DISK, *arguments], capture_output=True, text=True)
        room.make_space()
        if not is_reserved:
            assert done.returncode == -signal.SIGBUS, "this test shows nothing"
            return
        assert done.returncode == 1
        assert done.stderr.endswith("make room on its disk.\n"), done.stderr
        address = EdgeAddress(room.directory / "qdrant-edge", room.directory / "qdrant.lock", lock_seconds=1.0)
        fill(address, many_points(500, seed=5))
        with address.connect("images") as qdrant:
            assert qdrant.damage(VERSION.name) is None
            assert qdrant.collection(VERSION).count() >= 500


def test_a_power_cut_loses_nothing_that_is_in_the_log(
    edge_address: EdgeAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if nothing but the log had reached the disk since the last flush."""
    points = many_points(300, seed=8)
    fill(edge_address, points[:100])
    (folder,) = shards(edge_address)
    cut = EdgeAddress(tmp_path / "qdrant-edge", tmp_path / "qdrant.lock")
    shutil.copytree(edge_address.directory, cut.directory)
    monkeypatch.setattr("image_pipeline.collection.edge.opened.FLUSH_SECONDS", 1000.0)
    oracle = Oracle(points)
    with edge_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        list(collection.upsert(points[100:]))
        collection.delete_points([point.id for point in points[:50]])
        oracle.delete([point.id for point in points[:50]])
        shutil.rmtree(cut.directory / folder / "wal")
        shutil.copytree(edge_address.directory / folder / "wal", cut.directory / folder / "wal")
    with cut.connect("images") as qdrant:
        assert qdrant.points(VERSION.name).digests(PARTITIONS) == oracle.digests(PARTITIONS)
        assert qdrant.damage(VERSION.name) is None


def test_a_checkup_finds_no_damage_in_odd_values(edge_address: EdgeAddress) -> None:
    odd = [
        {"caption": "", "city": "", "keywords": ["", " ", "a" * 5000], "taken_at": "0001-01-01T00:00:00"},
        {"caption": "!? …", "people": [], "taken_local": "9999-12-31T23:59:59.999999", "rating": -1, "iso": 0},
        {"caption": "日本 café", "lens": "\n", "taken_at": "2021-07-03T10:11:12.5-11:30", "iso": 2**53},
        {"place": {"lat": 90.0, "lon": 180.0}, "country": "\U0001f600", "camera": UUID_NAME},
        {"place": {"lat": -90.0, "lon": -180.0}, "taken_year": 1, "caption": "x" * 3000, "keywords": ["k"] * 2000},
        {"place": {"lat": 1e-9, "lon": -1e-9}, "title": "", "exposure_s": 1e-9},
    ]
    payloads = [{"partition": "a", "sha256": str(number), **payload} for number, payload in enumerate(odd)]
    points = [make_point(f"{number}.jpg", unit_vector(str(number)), one) for number, one in enumerate(payloads)]
    fill(edge_address, [*points, *points[:2]])
    with edge_address.connect("images") as qdrant:
        collection = qdrant.collection(VERSION)
        assert qdrant.damage(VERSION.name) is None
        collection.mark_outdated([points[0].id])
        collection.delete_points([points[1].id])
        list(collection.upsert([make_point("2.jpg", unit_vector("2"), {"partition": "b", "sha256": "2"})]))
        assert qdrant.damage(VERSION.name) is None


def test_a_file_of_the_log_that_gets_its_name_meanwhile_is_synced_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread of Edge completes the next file of the log at any time."""
    log = tmp_path / "wal"
    log.mkdir()
    for name in ("open-1", "tmp-open-2", "closed-0"):
        (log / name).touch()
    names: dict[int, str] = {}
    synced: set[str] = set()
    open_file = os.open

    def open_late(path: Path, flags: int) -> int:
        if path.name == "tmp-open-2":
            path.rename(log / "open-2")
        descriptor = open_file(path, flags)
        names[descriptor] = path.name
        return descriptor

    with monkeypatch.context() as patch:
        patch.setattr(shards_module.os, "open", open_late)
        patch.setattr(shards_module.os, "fsync", lambda descriptor: synced.add(names[descriptor]))
        shards_module.sync_log(tmp_path)
    assert synced == {"closed-0", "open-1", "open-2", "wal"}
