"""What killed processes have left is deleted, and nothing that lies beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

from image_pipeline.storage.claims import claimed_runs, claiming, delete_unfinished, replacing, unclaimed_runs
from image_pipeline.storage.store import Store
from image_pipeline.storage.tensors import release_tensors, sweep_tensors
from image_pipeline_tests.support.decoys import Snapshot, strew_decoys

RUN = "0c746902-dc19-46b4-836c-b3e4e93abc42"


def leave_tensors(store: Store, key: str) -> Path:
    """Tensors that a process has claimed that is no more."""
    directory = store.tensor_directory(key, f"{RUN}-0")
    program = "import sys; from pathlib import Path; from image_pipeline.storage.claims import claim_directory\n"
    program += "claim_directory(Path(sys.argv[1])); Path(sys.argv[1], '6x6-squash-bicubic.npy').touch()"
    subprocess.run([sys.executable, "-c", program, str(directory)], check=True)
    return directory


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in which a person has put files and folders of their own, of every name."""
    store = Store(tmp_path / "store")
    store.prepare()
    (store.home / "store.json").rename(tmp_path / "mark")
    strew_decoys(store.home)
    (tmp_path / "mark").rename(store.home / "store.json")
    return store


def test_a_sweep_of_tensors_takes_what_was_claimed_and_nothing_else(store: Store) -> None:
    (store.tensor_directories("2024") / "mine/y").mkdir(parents=True)
    (store.tensor_directories("2024") / "mine/y/z.npy").write_text("mine")
    (store.tensor_directories("2024") / "link").symlink_to(store.home / "tensors/x/y")
    (store.tensors_directory / store.tensor_directories("link").name).symlink_to(store.home / "tensors/x")
    before = Snapshot.of(store.home)
    left = leave_tensors(store, "2024/trip")
    with_mine = leave_tensors(store, "2023")
    (with_mine / "notes.txt").write_text("mine")
    (with_mine / "z.npy").write_text("mine")
    sweep_tensors(store)
    assert not left.parent.exists()
    assert sorted(path.name for path in with_mine.iterdir()) == ["notes.txt", "z.npy"]
    own = {"tensors", *(f"tensors/{path}" for path in (with_mine.parent.name, f"{with_mine.parent.name}/{RUN}-0"))}
    own |= {f"tensors/{with_mine.parent.name}/{RUN}-0/{name}" for name in ("notes.txt", "z.npy")}
    assert set(before.differences()) <= own
    again = leave_tensors(store, "2022")
    release_tensors(again)
    assert not again.parent.exists() and (with_mine / "notes.txt").exists()


def test_files_of_runs_are_told_from_a_persons(store: Store, tmp_path: Path) -> None:
    runs = store.runs_directory
    (runs / RUN.replace("0c", "0d")).mkdir()
    (runs / RUN.replace("0c", "0e")).symlink_to(runs / "notes.txt")
    (runs / RUN.replace("0c", "0f")).touch()
    with claiming(runs / RUN):
        assert unclaimed_runs(runs) == [runs / RUN.replace("0c", "0f")]
        assert claimed_runs(runs) == [runs / RUN]
    assert claimed_runs(runs) == []
    assert unclaimed_runs(tmp_path / "nowhere") == []


def test_what_is_unfinished_is_told_from_a_persons(store: Store) -> None:
    making = store.home / "tables/.making"
    (making / "tmpabcdefgh").mkdir()
    (making / "tmp_1234567").symlink_to(making / "mine.txt")
    before = Snapshot.of(store.home)
    (making / "tmpa_cdef9h").touch()
    delete_unfinished(making.parent)
    assert set(before.differences()) == {"tables/.making"}, "its time, and nothing in it"
    with replacing(making.parent / "a.parquet") as file:
        file.write(b"new")
    assert (making / "mine.txt").exists() and (making.parent / "a.parquet").read_bytes() == b"new"
