"""Runs as a person sees them on the page: what they are called, what they show, and why they fail."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import MAX_RETRIES_TAG

from image_pipeline.orchestration.assets import ASSETS
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.partitions import DIRECTORIES_TAG, register
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.dagster_page import Page, RefusedError
from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.library import draw_scenes

NAMES = [asset.key.to_user_string() for asset in ASSETS]
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
TOO_LONG = "x" * 300  # for a name of a file system


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of a library with the directories `a` and `b`, of which `a` has a file that cannot be read."""
    home = tmp_path_factory.mktemp("home")
    draw_scenes(home / "library/a", 3)
    draw_scenes(home / "library/b", 2, seed=1)
    (home / "library/a/bad.jpg").write_bytes(b"no picture")
    settings = {"IMAGE_LIBRARY": str(home / "library"), "IMAGE_PIPELINE_HOME": str(home / "store")}
    with own_environment(**settings, IMAGE_PIPELINE_MODELS="demo"):
        open_instance(Store(home / "store")).dispose()
        with dg.DagsterInstance.get() as instance, Page(instance) as page:
            register(instance, ["a", "b", "invented on the page", TOO_LONG])
            yield page


def metadata(page: Page, run_id: str, asset: str) -> dict[str, dict[str, Any]]:
    """What a run shows of an asset, by partition."""
    logs = page.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    shown = [log.asset_materialization for log in logs if log.asset_materialization is not None]
    return {
        str(one.partition): {name: value.value for name, value in one.metadata.items()}
        for one in shown
        if one.asset_key == dg.AssetKey(asset)
    }


def test_an_unchanged_directory_shows_what_it_showed_when_it_was_made(page: Page) -> None:
    tags = {RANGE_START: "a", RANGE_END: "b"}
    first, again = (page.ended(page.launch(tags, NAMES)) for _ in range(2))
    assert (first.status, again.status) == (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.SUCCESS)
    assert first.tags[DIRECTORIES_TAG] == "a … b (2)"
    for log in page.instance.all_logs(again.run_id):
        assert "did not yield" not in log.user_message and "did not yield" not in log.message
    for asset, shown in {
        "decoded_tensors": ["quarantined", "quarantine"],
        "qdrant_collection": ["contact_sheet", "quarantined", "quarantine"],
    }.items():
        made, unchanged = metadata(page, first.run_id, asset), metadata(page, again.run_id, asset)
        for key in ("a", "b"):
            assert unchanged[key]["unchanged_since"] == first.run_id
            assert {name: unchanged[key][name] for name in shown} == {name: made[key][name] for name in shown}
    collection = metadata(page, again.run_id, "qdrant_collection")
    assert [record.data["path"] for record in collection["a"]["quarantine"].records] == ["a/bad.jpg"]
    assert collection["a"]["contact_sheet"].startswith("![contact sheet](data:image/webp;base64,")
    for shown_of in collection.values():
        totals = {name: value for name, value in shown_of.items() if name.startswith("library_")}
        assert totals == {"library_files": 6, "library_points": 5, "library_quarantined": 1}


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        (
            {"dagster/partition": "nope"},
            "'nope' is not a registered directory: run `image-pipeline scan`, which registers",
        ),
        (
            {RANGE_START: "b", RANGE_END: "a"},
            "'a' comes before 'b' in the order in which `image-pipeline scan` prints",
        ),
        ({"dagster/partition": "invented on the page"}, "The library has no directory 'invented on the page'"),
        (
            {"dagster/partition": "invented on the page", DIRECTORIES_TAG: "a"},
            "The library has no directory 'invented on the page'",
        ),
        ({"dagster/partition": TOO_LONG}, "The library has no directory 'xxx"),
    ],
    ids=["a wrong key", "a reversed range", "a key that is only registered", "one with a tag", "one that is too long"],
)
def test_a_wrong_key_fails_with_a_sentence_that_names_it_and_is_not_tried_again(
    page: Page, tags: dict[str, str], sentence: str
) -> None:
    run = page.ended(page.launch(tags))
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert sentence in page.headline(run.run_id)
    retries = page.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY)
    assert not retries and page.begin_again() == 0


def test_a_range_with_a_wrong_end_is_not_even_launched_and_the_page_names_the_key(page: Page) -> None:
    with pytest.raises(RefusedError, match="nope"):  # Dagster's own words: it knows the keys, and not our class of them
        page.launch({RANGE_START: "a", RANGE_END: "nope"})


def test_tags_of_who_launches_a_run_neither_rename_it_nor_let_it_be_tried_again_for_ever(page: Page) -> None:
    tags = {"dagster/partition": "a", DIRECTORIES_TAG: "anything", MAX_RETRIES_TAG: "1_000_000"}
    run = page.ended(page.launch(tags))
    assert (run.tags[DIRECTORIES_TAG], run.tags[MAX_RETRIES_TAG]) == ("a", "2")
