"""Where Dagster keeps its records: in a folder that is made as a whole."""

import os
from pathlib import Path

import pytest

from image_pipeline.errors import StoreError
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.decoys import Snapshot


@pytest.mark.parametrize("mine", ["notes.txt", "dagster.yaml", "storage/mine/notes.txt", "history/runs.db"])
def test_a_persons_folder_in_the_way_of_dagsters_is_named_and_stays(tmp_path: Path, mine: str) -> None:
    unfinished = tmp_path / ".records.new"
    (unfinished / mine).parent.mkdir(parents=True)
    (unfinished / mine).write_text("mine")
    before = Snapshot.of(unfinished)
    os.environ["DAGSTER_HOME"] = str(tmp_path / "records")
    with pytest.raises(
        StoreError, match=r"\.records\.new is in the way, and does not belong to the pipeline: move it elsewhere"
    ):
        open_instance(Store(tmp_path / "store"))
    assert before.differences() == []


def test_what_a_killed_process_has_left_of_it_is_made_anew(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    open_instance(store).dispose()
    store.dagster_home.rename(store.home / ".dagster.new")
    (store.home / ".dagster.new/schedules/schedules.db").write_bytes(b"half")
    os.environ.pop("DAGSTER_HOME")
    with open_instance(store) as instance:
        assert instance.get_runs_count() == 0
    assert not (store.home / ".dagster.new").exists()


def test_folders_of_a_persons_among_the_runs_are_no_runs(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.prepare()
    (store.runs_directory / "mine/sub").mkdir(parents=True)
    (store.runs_directory / "notes.txt").write_text("mine")
    before = Snapshot.of(store.runs_directory)
    open_instance(store).dispose()
    assert before.differences() == []


def test_a_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a file of variables, which no shell expands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.setenv("DAGSTER_HOME", "~/records")
    open_instance(Store(tmp_path / "store")).dispose()
    assert (tmp_path / "person/records/dagster.yaml").exists() and not (tmp_path / "~").exists()
