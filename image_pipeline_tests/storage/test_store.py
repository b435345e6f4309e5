"""The store's folder: made, marked and private, or refused as it is."""

import json
import os
import pwd
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from image_pipeline.errors import SettingsError, StoreError
from image_pipeline.schema.rows import Embedding
from image_pipeline.storage.cache import ContentCache
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.own_files import contents
from image_pipeline.storage.store import Store
from image_pipeline.storage.tables import StageTables
from image_pipeline_tests.support.decoys import Snapshot, strew_decoys


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def mark(home: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads((home / "store.json").read_text())
    return told


def test_it_is_made_private_and_marked(tmp_path: Path) -> None:
    home = tmp_path / "a" / "store"
    Store(home).prepare()
    assert mode(home) == 0o700
    assert mark(home) == {"program": "image-pipeline", "version": 1, "library": None}
    before = (home / "store.json").stat()
    Store(home).prepare()
    assert (home / "store.json").stat() == before, "it is written once"


def test_folders_above_it_have_the_usual_rights(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from image_pipeline.storage.private_files import keep_private;"
        "from image_pipeline.storage.store import Store;"
        "from image_pipeline.orchestration.instance import open_instance;"
        "keep_private(); open_instance(Store(Path(sys.argv[1]))).dispose()"
    )
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path / "c/d/dagster")}
    subprocess.run([sys.executable, "-c", program, tmp_path / "a/b/store"], umask=0o022, env=environment, check=True)
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/store")] == [0o755, 0o755, 0o700]
    assert [mode(tmp_path / name) for name in ("c", "c/d", "c/d/dagster")] == [0o755, 0o755, 0o700]


@pytest.mark.parametrize("is_sticky", [True, False])
def test_a_folder_for_all_or_of_another_user_is_refused_and_stays_as_it_is(is_sticky: bool) -> None:
    with tempfile.TemporaryDirectory() as directory:  # in one that another user may enter
        Path(directory).chmod(0o755)
        shared = Path(directory) / "shared"
        shared.mkdir()
        shared.chmod(0o1777 if is_sticky else 0o777)
        before = Snapshot.of(Path(directory))
        message = r"belongs to another user, or to all users.*IMAGE_PIPELINE_HOME.*shared/image-pipeline"
        with pytest.raises(StoreError, match=message):
            if is_sticky:
                Store(shared).prepare()
            else:
                with another_user():
                    Store(shared).prepare()
        assert before.differences() == []


def test_dagsters_folder_and_that_of_a_disk_may_be_there_before(tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster/dagster.yaml").write_text("")
    (tmp_path / "lost+found").mkdir()
    Store(tmp_path).prepare()
    assert mark(tmp_path)["version"] == 1


def test_what_a_system_or_a_power_cut_left_may_be_there_before(tmp_path: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", ".making/tmpabcdefgh", ".Trash-1000/files/a"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "store.json").touch()
    Store(tmp_path).prepare()
    assert mark(tmp_path)["version"] == 1
    assert contents(tmp_path, is_marked=True).files == (Path("store.json"),)


def test_many_may_make_it_at_once(tmp_path: Path) -> None:
    def use(number: int) -> None:
        Store(tmp_path / "store").prepare()
        (tmp_path / f"store/{number}").write_text("")

    with ThreadPoolExecutor(16) as executor:
        list(executor.map(use, range(64)))


@pytest.mark.parametrize(
    "name",
    [
        *("notes.txt", "tensors/x/y/z.npy", "ledger.sqlite", "store.json", "index.lock", ".making/tmpabcdefgh"),
        *("runs/12345678-1234-1234-1234-123456789abc", "thumbnails/ab/" + "ab" * 32 + ".webp"),
        *("sessions.sqlite", "thumbnails-1024/ab/" + "ab" * 32 + ".webp"),
    ],
)
def test_a_folder_with_other_files_is_refused_and_stays_as_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text('{"program": "another", "version": 1, "library": null}')
    before = Snapshot.of(tmp_path)
    with pytest.raises(StoreError, match="not empty, and is not a store: set IMAGE_PIPELINE_HOME to a new folder"):
        Store(tmp_path).prepare()
    assert before.differences() == []


def test_a_folder_with_every_name_of_a_store_is_refused(tmp_path: Path) -> None:
    strew_decoys(tmp_path)
    before = Snapshot.of(tmp_path)
    with pytest.raises(StoreError, match="is not a store"):
        Store(tmp_path).prepare()
    assert before.differences() == []


@pytest.mark.parametrize("name", ["index.lock", "runs/12345678-1234-1234-1234-123456789abc"])
def test_an_empty_file_of_a_stores_name_makes_a_folder_no_store(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(StoreError, match="is not a store"):
        Store(tmp_path).prepare()


@pytest.mark.parametrize("library", ["5", "[]", '{"a": 1}'])
def test_a_mark_with_a_library_that_is_none_is_no_mark(tmp_path: Path, library: str) -> None:
    (tmp_path / "store.json").write_text(f'{{"program": "image-pipeline", "version": 1, "library": {library}}}')
    with pytest.raises(StoreError, match="is not a store"):
        Store(tmp_path).prepare()


def test_another_programs_ledger_is_no_store(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as accounts:
        accounts.execute("CREATE TABLE partition (key TEXT, fingerprint TEXT)")
        accounts.execute("CREATE TABLE library (root TEXT)")
    with pytest.raises(StoreError, match="is not a store"):
        Store(tmp_path).prepare()


@pytest.mark.parametrize("kind", ["as HOME says", "as the system knows it", "through a link", "root"])
def test_a_home_folder_and_the_root_are_never_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to(tmp_path)
    places = {
        "as HOME says": tmp_path,
        "as the system knows it": Path(pwd.getpwuid(os.getuid()).pw_dir),
        "through a link": tmp_path / "link",
        "root": Path("/"),
    }
    before = Snapshot.of(tmp_path)
    with pytest.raises(SettingsError, match=r"cannot be .* itself.*IMAGE_PIPELINE_HOME"):
        Store(places[kind]).prepare()
    assert before.differences() == []


def test_the_library_and_its_folders_are_no_store_and_the_store_no_library(tmp_path: Path) -> None:
    for home, library in ((".", "."), ("store", "."), (".", "photos"), ("a/store", "a")):
        (tmp_path / library).mkdir(exist_ok=True)
        with pytest.raises(SettingsError, match=r"is inside the"):
            Store(tmp_path / home).prepare(tmp_path / library)
    assert not list(tmp_path.rglob("store.json"))
    Store(tmp_path / ".image-pipeline").prepare(tmp_path)
    assert (tmp_path / ".image-pipeline/store.json").exists()


@contextmanager
def another_user() -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def old_store(home: Path, what: str) -> None:
    """What a version made that had no marks, readable for everybody."""
    home.mkdir()
    if what == "ledger":
        Ledger(home / "ledger.sqlite").set_library(home / "library")
        (home / "notes.txt").write_text("mine")
    elif what == "cache":
        ContentCache(home / "cache/content.sqlite").put("p", {"0" * 64: b"x"})
    else:
        StageTables(Store(home)).write(Embedding, "2024/trip", [])
        (home / "device.lock").touch()
    home.chmod(0o755)


@pytest.mark.parametrize("what", ["ledger", "cache", "table"])
def test_a_store_without_a_mark_is_marked_at_its_first_use(tmp_path: Path, what: str) -> None:
    old_store(tmp_path / "store", what)
    Store(tmp_path / "store").prepare()
    assert mark(tmp_path / "store")["version"] == 1
    assert mode(tmp_path / "store") == 0o700


def test_a_newer_versions_store_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"program": "image-pipeline", "version": 2, "library": null}')
    with pytest.raises(StoreError, match="newer version"):
        Store(tmp_path).prepare()


def test_what_is_the_stores_own_is_told_by_its_form_and_never_through_a_link(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    Store(home).prepare()
    own = ("thumbnails/ab/" + "ab" * 32 + ".webp", "runs/0c746902-dc19-46b4-836c-b3e4e93abc42", "qdrant.lock")
    own += ("thumbnails-1024/ab/" + "ab" * 32 + ".webp", "sessions.sqlite", "sessions.sqlite-wal")
    others = ("thumbnails/ab/" + "cd" * 32 + ".webp", "runs/notes", "qdrant/notes", "tables/embeddings/a.parquet")
    others += ("thumbnails-1024/ab/" + "cd" * 32 + ".webp", "thumbnails-2048", "sessions.sqlite.bak")
    for name in (*own, *others):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    (elsewhere / "ab").mkdir(parents=True)
    (elsewhere / own[0]).parent.mkdir(parents=True)
    (home / "tensors").symlink_to(elsewhere)
    os.mkfifo(home / "index.lock")
    found = contents(home, is_marked=True)
    assert {str(file) for file in found.files} == {*own, "store.json"}
    assert {str(file) for file in found.others} == {*others, "tensors", "index.lock"}
