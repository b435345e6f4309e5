"""A store as a whole: moved out of a home folder over which it lies strewn, and deleted."""

import errno
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from image_pipeline.collection.server import ServerAddress
from image_pipeline.errors import StoreError
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.settings import load_settings
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.legacy_store import gather, strewn_store
from image_pipeline.storage.mark import read_mark
from image_pipeline.storage.own_files import contents
from image_pipeline.storage.partition_claims import PartitionClaims
from image_pipeline.storage.removal import delete_contents
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.decoys import strew_decoys
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.raw_qdrant import raw_client, settings_of
from image_pipeline_tests.support.rights import unprivileged
from image_pipeline_tests.support.runs import RunServer
from image_pipeline_tests.support.shell import Shell


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """A person's home folder, with files of their own and photographs."""
    strew_decoys(tmp_path / "person")
    draw_scenes(tmp_path / "person/Photos/trip", 2)
    (tmp_path / "person/Photos/trip/broken.jpg").write_bytes(b"no picture")
    return tmp_path / "person"


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(runs: RunServer) -> Run:
    """Runs `image-pipeline` in a person's home; it ends with `code`."""

    def run(person: Path, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = Shell(person, runs).run(*arguments, **environment)
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return run


def ingest(person: Path, home: Path, **given: object) -> Store:
    """A store with two photographs and a broken one."""
    settings = load_settings(library=person / "Photos", home=home, models="bundled:embedder,none", **given)
    summary = Pipeline(settings).ingest()
    assert (summary.indexed, summary.quarantined) == (2, 1)
    return Store(home)


def files_in(folder: Path, but: str = "Photos") -> dict[Path, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path: path.read_bytes() for path in found if path.relative_to(folder).parts[0] != but}


def strew(store: Store, person: Path) -> dict[Path, bytes]:
    """Let a store lie in a person's home, as a version did that took HOME for it; gives the files of the person."""
    (store.home / "store.json").unlink()
    own = [path.relative_to(store.home) for path in store.home.rglob("*") if path.is_file()]
    for path in own:
        (person / path).unlink(missing_ok=True)  # those decoys would have been in its way
    (person / "dagster/history/runs.db-wal").unlink(missing_ok=True)
    mine = files_in(person)
    for path in own:
        (person / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(store.home / path, person / path)
    shutil.rmtree(store.home)
    return mine


def test_a_strewn_store_is_hinted_at_listed_and_moved_once_a_person_says_so(
    person: Path, run: Run, tmp_path: Path
) -> None:
    mine = strew(ingest(person, tmp_path / "old"), person)
    strewn = files_in(person)
    hinted = run(person, "status")
    assert "image-pipeline rescue" in hinted.stderr and len(hinted.stderr.splitlines()) == 1

    asked = run(person, "rescue", code=1)
    for name in (
        "cache/content.sqlite",
        "qdrant-edge/catalog.json",
        "dagster/history/runs.db",
        "ledger.sqlite",
        "qdrant.lock",
    ):
        assert f"  {person / name}\n" in asked.stdout, "each by name"
    hashed = f"{person}/thumbnails/<2 hex digits>/<64 hex digits>.webp  (2 files)"
    assert hashed in asked.stdout and f"{person}/tables/embeddings/DIRECTORY-<16 hex digits>.parquet\n" in asked.stdout
    assert "store.json" not in asked.stdout and str(person / "storage") not in asked.stdout
    assert {
        path: content for path, content in files_in(person).items() if ".image-pipeline" not in path.parts
    } == strewn

    moved = run(person, "rescue", "--yes")
    store = Store(person / ".image-pipeline")
    assert "Moved " in moved.stdout and f" files to {store.home}.\n" in moved.stdout
    assert files_in(person, but=".image-pipeline").keys() - files_in(person / "Photos").keys() == mine.keys()
    assert {path: path.read_bytes() for path in mine} == mine, "of the person's own, nothing was moved or changed"
    assert contents(store.home, is_marked=True).others == ()
    for path in (store.home, *store.home.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    settled = run(person, "verify", IMAGE_PIPELINE_MODELS="bundled:embedder,none")
    assert settled.stdout.splitlines()[-1] == "Disk, store and collection agree." and "rescue" not in settled.stderr
    again = Pipeline(load_settings(library=person / "Photos", home=store.home, models="bundled:embedder,none")).ingest()
    assert (again.indexed, again.embedded) == (2, 0), "no image goes through a model again"
    assert "nothing to move" in run(person, "rescue", "--yes").stdout


def test_a_persons_files_of_the_stores_names_stay_though_a_store_is_strewn_around_them(
    person: Path, run: Run, tmp_path: Path
) -> None:
    strew(ingest(person, tmp_path / "old"), person)
    run_id, sha256 = "12345678-1234-1234-1234-123456789abc", "ab" * 32
    theirs = (
        *(f"runs/{run_id}", ".making/tmpabcdefgh", "runs/.making/tmpabcdefgh", f"thumbnails/ab/{sha256}.webp"),
        *(f"thumbnails/ab/.{sha256}.webp.tmp", "tables/embeddings/.making/tmpabcdefgh", "dagster/logs/mynotes.txt"),
        *(f"dagster/storage/{run_id}/notes.out", "dagster/defs_state/mine", "models/a-12345678.json"),
        *("models/a-12345678abcdefgh.part", f"tensors/a-{'0' * 16}/{run_id}-1/8x8-mine.npy", "page.lock"),
        *("sessions.sqlite", f"thumbnails-1024/ab/{sha256}.webp"),
    )
    for name in theirs:
        (person / name).parent.mkdir(parents=True, exist_ok=True)
        (person / name).write_text('{"key": "precious"}')
    asked = run(person, "rescue", code=1)
    assert not [name for name in theirs if name in asked.stdout]
    run(person, "rescue", "--yes")
    run(person, "status")
    run(person, "forget", "--yes")
    assert {(person / name).read_text() for name in theirs} == {'{"key": "precious"}'}


def test_what_was_made_of_a_strewn_store_leaves_no_empty_folder_and_a_persons_stay(
    person: Path, run: Run, tmp_path: Path
) -> None:
    for path in list(person.iterdir()):  # but for decoys, which keep their folders
        if path.name != "Photos":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    strew(ingest(person, tmp_path / "old"), person)
    for name in ("tensors", "runs/.making", "tables/embeddings/.making", "models", "dagster/mine"):
        (person / name).mkdir(parents=True, exist_ok=True)
    run(person, "rescue", "--yes")
    assert {path.name for path in person.iterdir()} == {"Photos", ".image-pipeline", "models", "dagster"}
    assert [path.name for path in (person / "dagster").iterdir()] == ["mine"]


def test_a_move_that_fails_at_any_file_can_be_begun_again(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(person))
    old, move, begun = ingest(person, tmp_path / "old"), shutil.move, 0
    (old.home / f"tensors/a-{'0' * 16}/12345678-1234-1234-1234-123456789abc-1").mkdir(parents=True)
    for name, content in ((".claim", b""), ("8x8-squash.npy", b"\x93NUMPY...")):
        (next(old.home.glob("tensors/*/*")) / name).write_bytes(content)
    shutil.rmtree(person / "cache")
    mine = strew(old, person)
    strewn = files_in(person).keys() - mine.keys()
    target = Store(tmp_path / "new")

    def fails_at_its_second_file(source: Path, to: Path) -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(source))
        move(source, to)

    monkeypatch.setattr(shutil, "move", fails_at_its_second_file)
    for _ in strewn:  # each time, one more file was moved
        begun = 0
        assert strewn_store() == person, "it is hinted at"
        try:
            gather(person, target)
        except StoreError as error:
            assert "make room there" in str(error)
        else:
            break
    assert strewn_store() is None
    assert files_in(person) == mine and not (person / "cache").exists()
    moved = {target.home / path.relative_to(person) for path in strewn}
    assert {path for path in moved if not path.exists()} == set()


def test_folders_that_cannot_be_listed_are_another_persons_or_named(
    person: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(person))
    strew(ingest(person, tmp_path / "old"), person)
    (person / "models").chmod(0)
    with unprivileged():
        gather(person, Store(tmp_path / "new"))
    assert not (person / "ledger.sqlite").exists()
    (tmp_path / "new/models").mkdir(mode=0)
    with unprivileged(), pytest.raises(StoreError, match=r"new/models cannot be listed .*give the user"):
        contents(tmp_path / "new", is_marked=True)


def test_a_strewn_store_is_not_moved_over_another_nor_while_it_is_used(person: Path, run: Run, tmp_path: Path) -> None:
    strew(ingest(person, tmp_path / "old"), person)
    other = ingest(person, tmp_path / "other")
    before = files_in(person)
    refused = run(person, "rescue", "--yes", "--home", str(other.home), code=1)
    assert "something was ingested" in refused.stderr and f"--home {other.home}-2" in refused.stderr
    with FileLock(person / "qdrant.lock"):
        assert "in use by another process" in run(person, "rescue", "--yes", code=1).stderr
    assert files_in(person) == before


def test_a_persons_own_files_are_no_strewn_store(person: Path, run: Run) -> None:
    assert run(person, "quarantine").stderr == ""
    assert "nothing to move" in run(person, "rescue", "--yes").stdout


def test_forget_says_what_goes_and_deletes_only_that_once_a_person_says_so(
    person: Path, run: Run, tmp_path: Path
) -> None:
    store = ingest(person, tmp_path / "store")
    outside = files_in(person, but="")
    asked = run(person, "forget", "--home", str(store.home), code=1)
    assert str(person / "Photos") in asked.stdout and "thumbnails" in asked.stdout
    assert store.ledger_file.exists()
    with FileLock(store.index_lock_file):
        assert "in use" in run(person, "forget", "--yes", "--home", str(store.home), code=1).stderr
    (store.home / "thumbnails/mine.webp").write_text("mine")
    (store.home / "tensors/x/y").mkdir(parents=True)
    (store.home / "models").symlink_to(person)
    done = run(person, "forget", "--yes", "--home", str(store.home))
    stays = {"models", "tensors", "tensors/x", "tensors/x/y", "thumbnails", "thumbnails/mine.webp"}
    assert {path.relative_to(store.home).as_posix() for path in store.home.rglob("*")} == stays
    assert "models, tensors/x, thumbnails/mine.webp" in done.stdout.splitlines()[-1]
    assert files_in(person, but="") == outside
    assert "is not a store" in run(person, "forget", "--yes", "--home", str(store.home), code=2).stderr


def test_forget_leaves_a_persons_own_records_of_dagster(person: Path, run: Run, tmp_path: Path) -> None:
    records = tmp_path / "store/dagster"
    for name in ("dagster.yaml", "history/runs.db", "schedules/schedules.db", "logs/event.log"):
        (records / name).parent.mkdir(parents=True, exist_ok=True)
        (records / name).write_text("mine")
    before = files_in(records, but="")
    run(person, "status", IMAGE_PIPELINE_HOME=str(records.parent), DAGSTER_HOME=str(tmp_path / "other"))
    assert (records.parent / "store.json").exists()
    run(person, "forget", "--yes", "--home", str(records.parent))
    assert files_in(records, but="") == before and list(records.parent.iterdir()) == [records]


def test_forget_takes_what_runs_and_sensors_print_with_it(person: Path, run: Run, tmp_path: Path) -> None:
    store = ingest(person, tmp_path / "store")
    run_id = "12345678-1234-1234-1234-123456789abc"
    for name in (f"{run_id}/compute_logs/abcdefgh.err", f"{run_id}/scan/result", "__repository__/library_sensor/7.err"):
        (store.dagster_home / "storage" / name).parent.mkdir(parents=True)
        (store.dagster_home / "storage" / name).touch()
    run(person, "forget", "--yes", "--home", str(store.home))
    assert not store.home.exists()


def test_a_deletion_that_fails_at_any_file_can_be_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, unlink, begun = Store(tmp_path / "store"), Path.unlink, 0
    open_instance(store).dispose()
    Ledger(store.ledger_file).entries()
    number = len(contents(store.home, is_marked=True).files)
    assert number > 5

    def fails_at_its_second_file(path: Path, missing_ok: bool = False) -> None:
        nonlocal begun
        begun += 1
        if begun == 2:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", fails_at_its_second_file)
    for left in range(number, 1, -1):
        begun = 0
        found = contents(store.home, is_marked=read_mark(store.home) is not None)
        assert len(found.files) == left and found.others == ()
        with pytest.raises(StoreError, match="cannot be deleted"):
            delete_contents(store.home, found)
    assert [path for path in store.home.rglob("*") if path.is_file()] == [store.home / "store.json"]


def test_forget_leaves_a_newer_versions_store(person: Path, run: Run, tmp_path: Path) -> None:
    Store(tmp_path / "store").prepare()
    (tmp_path / "store/store.json").write_text('{"program": "image-pipeline", "version": 2, "library": null}')
    assert "newer version" in run(person, "forget", "--yes", "--home", str(tmp_path / "store"), code=1).stderr
    assert (tmp_path / "store/store.json").exists()


def test_forget_takes_a_store_behind_a_link_with_the_link(person: Path, run: Run, tmp_path: Path) -> None:
    Store(tmp_path / "store").prepare()
    (tmp_path / "link").symlink_to(tmp_path / "store")
    assert "was deleted" in run(person, "forget", "--yes", "--home", str(tmp_path / "link")).stdout
    assert not (tmp_path / "store").exists() and not (tmp_path / "link").is_symlink()


def test_forget_waits_for_no_directory_that_is_being_ingested(person: Path, run: Run, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.prepare()
    with PartitionClaims(store) as claims:
        claims.take(["trip"])
        assert "in use" in run(person, "forget", "--yes", "--home", str(store.home), code=1).stderr
    run(person, "forget", "--yes", "--home", str(store.home))
    assert not store.home.exists()


@pytest.mark.parametrize("folder", ["Photos", ".", "nowhere"])
def test_forget_takes_nothing_but_a_store(person: Path, run: Run, folder: str) -> None:
    before = files_in(person, but="")
    done = run(person, "forget", "--yes", "--home", folder, code=2)
    assert "IMAGE_PIPELINE_HOME" in done.stderr
    assert files_in(person, but="") == before and not (person / "nowhere").exists()


def test_forget_takes_what_the_store_made_in_a_server_and_no_other(
    person: Path, run: Run, tmp_path: Path, server_address: ServerAddress
) -> None:
    server = settings_of(server_address)
    store = ingest(person, tmp_path / "store", **server)
    ingest(person, tmp_path / "second", collection="second", **server)
    from qdrant_client import models

    with raw_client(server_address) as client:
        client.create_collection("images--abc", models.VectorParams(size=2, distance=models.Distance.DOT))
    environment = {"QDRANT_URL": str(server_address.url), "QDRANT_GRPC_PORT": str(server_address.grpc_port)}
    home = ("--home", str(store.home))
    assert "QDRANT_URL is not set" in run(person, "forget", "--collection", "--yes", *home, code=2).stderr
    asked = run(person, "forget", "--collection", *home, code=1, **environment)
    assert "images--" in asked.stdout and "second" not in asked.stdout and "images--abc" not in asked.stdout
    with raw_client(server_address) as client:
        assert len(client.get_collections().collections) == 3
    run(person, "forget", "--collection", "--yes", *home, **environment)
    with raw_client(server_address) as client:
        left = {collection.name for collection in client.get_collections().collections}
        assert "images--abc" in left and {name.split("--")[0] for name in left - {"images--abc"}} == {"second"}
        assert [alias.alias_name for alias in client.get_aliases().aliases] == ["second"]
    assert not store.home.exists()
