"""A store as a whole: moved out of a home folder over which it lies strewn, and deleted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from image_pipeline.settings import load_settings
from image_pipeline.storage.connection import QdrantAddress
from image_pipeline.storage.contents import contents
from image_pipeline.storage.store import Store
from image_pipeline_tests.decoys import strew_decoys
from image_pipeline_tests.library import Pipeline, draw_scenes

PROGRAM = str(Path(sys.executable).with_name("image-pipeline"))


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """A person's home folder, with files of their own and photographs."""
    strew_decoys(tmp_path / "person")
    draw_scenes(tmp_path / "person/Photos/trip", 2)
    (tmp_path / "person/Photos/trip/broken.jpg").write_bytes(b"no picture")
    return tmp_path / "person"


def run(person: Path, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [PROGRAM, *arguments],
        env={"HOME": str(person), "PATH": os.environ["PATH"], **environment},
        cwd=person,
        input="",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


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


def test_a_strewn_store_is_hinted_at_listed_and_moved_once_a_person_says_so(person: Path, tmp_path: Path) -> None:
    mine = strew(ingest(person, tmp_path / "old"), person)
    strewn = files_in(person)
    hinted = run(person, "status")
    assert "image-pipeline rescue" in hinted.stderr and len(hinted.stderr.splitlines()) == 1

    asked = run(person, "rescue", code=1)
    for name in ("tables", "thumbnails", "cache", "qdrant", "dagster", "ledger.sqlite", "qdrant.lock"):
        assert f"{person / name}\n" in asked.stdout or f"{person / name}  (" in asked.stdout, name
    assert "store.json" not in asked.stdout and str(person / "storage") not in asked.stdout
    assert {
        path: content for path, content in files_in(person).items() if ".image-pipeline" not in path.parts
    } == strewn

    moved = run(person, "rescue", "--yes")
    store = Store(person / ".image-pipeline")
    assert f"were moved to {store.home}" in moved.stdout
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


def test_a_strewn_store_is_not_moved_over_another_nor_while_it_is_used(person: Path, tmp_path: Path) -> None:
    strew(ingest(person, tmp_path / "old"), person)
    other = ingest(person, tmp_path / "other")
    before = files_in(person)
    refused = run(person, "rescue", "--yes", "--home", str(other.home), code=1)
    assert "something was ingested" in refused.stderr and f"--home {other.home}-2" in refused.stderr
    with FileLock(person / "qdrant.lock"):
        assert "in use by another process" in run(person, "rescue", "--yes", code=1).stderr
    assert files_in(person) == before


def test_a_persons_own_files_are_no_strewn_store(person: Path) -> None:
    assert run(person, "quarantine").stderr == ""
    assert "nothing to move" in run(person, "rescue", "--yes").stdout


def test_forget_says_what_goes_and_deletes_only_that_once_a_person_says_so(person: Path, tmp_path: Path) -> None:
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
    assert "is no store" in run(person, "forget", "--yes", "--home", str(store.home), code=2).stderr


@pytest.mark.parametrize("folder", ["Photos", ".", "nowhere"])
def test_forget_takes_nothing_but_a_store(person: Path, folder: str) -> None:
    before = files_in(person, but="")
    done = run(person, "forget", "--yes", "--home", folder, code=2)
    assert "IMAGE_PIPELINE_HOME" in done.stderr
    assert files_in(person, but="") == before and not (person / "nowhere").exists()


def test_forget_takes_what_the_store_made_in_a_server_and_no_other(
    person: Path, tmp_path: Path, server_address: QdrantAddress
) -> None:
    server = {"qdrant_url": server_address.url, "qdrant_grpc_port": server_address.grpc_port}
    store = ingest(person, tmp_path / "store", **server)
    ingest(person, tmp_path / "second", collection="second", **server)
    from qdrant_client import models

    with server_address.connect() as client:
        client.create_collection("images--abc", models.VectorParams(size=2, distance=models.Distance.DOT))
    environment = {"QDRANT_URL": str(server_address.url), "QDRANT_GRPC_PORT": str(server_address.grpc_port)}
    home = ("--home", str(store.home))
    assert "QDRANT_URL is not set" in run(person, "forget", "--collection", "--yes", *home, code=2).stderr
    asked = run(person, "forget", "--collection", *home, code=1, **environment)
    assert "images--" in asked.stdout and "second" not in asked.stdout and "images--abc" not in asked.stdout
    with server_address.connect() as client:
        assert len(client.get_collections().collections) == 3
    run(person, "forget", "--collection", "--yes", *home, **environment)
    with server_address.connect() as client:
        left = {collection.name for collection in client.get_collections().collections}
        assert "images--abc" in left and {name.split("--")[0] for name in left - {"images--abc"}} == {"second"}
        assert [alias.alias_name for alias in client.get_aliases().aliases] == ["second"]
    assert not store.home.exists()
