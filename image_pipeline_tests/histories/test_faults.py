"""Each fault for itself, at a place that is known: where the random histories would come to it by chance."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from image_pipeline.collection.connection import address_of
from image_pipeline.collection.where import ANYWHERE
from image_pipeline_tests.histories.faults import FullStore, Outage, SearchMeanwhile, TwoRuns
from image_pipeline_tests.histories.history import History, World, ended_well
from image_pipeline_tests.histories.operations import Kind, Operation
from image_pipeline_tests.support.moments import Moment, Place, wait_until
from image_pipeline_tests.support.raw_qdrant import open_engine
from image_pipeline_tests.support.runs import ProgramRuns

_AN_EDIT = (Operation(Kind.EDIT, 0, 5, 0), Operation(Kind.ADD, 0, 9, 0))


@pytest.fixture
def history(world: World) -> Iterator[History]:
    """A history of six directories, on both kinds of Qdrant."""
    history = History(world)
    yield history
    history.close()


@pytest.fixture
def embedded(embedded_world: World) -> Iterator[History]:
    """The same, on the embedded Qdrant."""
    history = History(embedded_world)
    yield history
    history.close()


@pytest.fixture
def served(server_world: World) -> Iterator[History]:
    """The same, on a server."""
    history = History(server_world)
    yield history
    history.close()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("changes", [1, 2])
@pytest.mark.parametrize("place", [place for place in Place if place is not Place.DAGSTER])
def test_a_run_killed_at_each_place(history: History, place: Place, changes: int) -> None:
    history.kill_at(history.begin(), Moment(place, changes, 0))
    history.run_undisturbed()
    history.look_for_work()


def test_the_program_itself_is_killed_while_it_embeds(embedded: History, tmp_path: Path) -> None:
    run = ProgramRuns(tmp_path).begin(["ingest", "--json"], embedded.environment)
    assert embedded.kill_at(run, Moment(Place.EMBEDDINGS, 1, 0)).was_killed
    embedded.run_undisturbed()


def test_points_of_a_killed_first_run_go_with_their_directory(served: History) -> None:
    run = served.begin()
    with open_engine(address_of(served.settings)) as engine:

        def has_points() -> bool:
            name = engine.aliases().get(served.settings.collection)
            return name is not None and engine.count(name, ANYWHERE) > 0

        assert wait_until(lambda: run.has_ended or has_points())
    run.kill()
    assert run.wait().was_killed
    served.change([Operation(Kind.REMOVE_DIRECTORY, 0, 0, 0)] * 20)
    served.run_undisturbed()
    served.look_for_work()


def test_a_short_outage_of_the_server_is_waited_for(served: History) -> None:
    Outage(Moment(Place.CAPTIONS, 1, 0), 3.0, is_killed=True).strike(served)
    served.run_undisturbed()


@pytest.mark.long
def test_a_server_that_stays_away_is_told_and_the_next_run_goes_on(served: History) -> None:
    server = served.world.server
    assert server is not None
    run = served.begin()
    served.watch.wait_for(Moment(Place.CAPTIONS, 1, 0), run)
    server.stop()
    outcome = run.wait(300)
    assert not ended_well(outcome)
    assert "does not answer" in outcome.stderr and "QDRANT_URL" in outcome.stderr
    server.start()
    served.run_undisturbed()


@pytest.mark.parametrize("place", [None, Place.DECODED_TENSORS, Place.EMBEDDINGS, Place.CAPTIONS, Place.COLLECTION])
def test_a_full_disk_is_told_and_the_next_run_goes_on(embedded: History, place: Place | None) -> None:
    if not embedded.world.room.is_small:
        pytest.skip("A small disk cannot be mounted here: that takes the right to mount a tmpfs.")
    FullStore(0, None if place is None else Moment(place, 1, 0)).strike(embedded)
    assert "room" in embedded.log[-1], "the message names the remedy"
    embedded.run_undisturbed()


def test_two_runs_at_once_while_the_library_changes(history: History) -> None:
    TwoRuns(_AN_EDIT, 0.3, None).strike(history)
    history.run_undisturbed()


def test_a_run_killed_beside_another_takes_nothing_with_it(history: History) -> None:
    TwoRuns(_AN_EDIT, 0.2, Moment(Place.EMBEDDINGS, 1, 0)).strike(history)
    history.run_undisturbed()


def test_a_search_while_a_run_writes(history: History) -> None:
    history.run_undisturbed()
    history.change([Operation(Kind.ADD, n, n, n) for n in range(8)])
    SearchMeanwhile(Moment(Place.CAPTIONS, 1, 0)).strike(history)
    history.run_undisturbed()
