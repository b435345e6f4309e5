"""What befalls a run. Each fault begins a run, disturbs it for real, and says what must hold even then."""

import time
from dataclasses import dataclass
from typing import Protocol

from hypothesis import strategies as st

from image_pipeline.schema.rows import Stage
from image_pipeline_tests.histories.history import History, ended_well
from image_pipeline_tests.histories.operations import Operation, operations
from image_pipeline_tests.support.moments import Moment, Place


class Fault(Protocol):
    """Something that goes wrong while a run is going, or that goes on beside it."""

    def strike(self, history: History) -> None:
        """Begin a run, and disturb it; returns when it has ended."""


@dataclass(frozen=True)
class Kill:
    """The run is killed at a moment, or after some seconds."""

    moment: Moment | float

    def strike(self, history: History) -> None:
        """See `Fault`."""
        outcome = history.kill_at(history.begin(), self.moment)
        assert outcome.was_killed or ended_well(outcome)


@dataclass(frozen=True)
class ChangesMeanwhile:
    """The library changes while the run is going, beginning at a moment; then it is killed, perhaps."""

    operations: tuple[Operation, ...]
    moment: Moment
    is_killed: bool

    def strike(self, history: History) -> None:
        """See `Fault`."""
        run = history.begin()
        came = history.watch.wait_for(self.moment, run)
        history.log.append(f"at {self.moment}, {'while the run is going' if came else 'which never came'}:")
        for operation in self.operations:
            history.change([operation])
            time.sleep(0.01)
        if self.is_killed:
            history.kill_at(run, 0.05)
        else:
            ended_well(run.wait())


@dataclass(frozen=True)
class TwoRuns:
    """Two runs at once; the first is killed at a moment, perhaps; the library changes once between their beginnings."""

    operations: tuple[Operation, ...]
    seconds_between: float
    moment: Moment | None

    def strike(self, history: History) -> None:
        """See `Fault`."""
        first = history.begin()
        time.sleep(self.seconds_between)
        history.change(list(self.operations))
        second = history.begin()
        if self.moment is not None:
            history.kill_at(first, self.moment)
        else:
            ended_well(first.wait())
        ended_well(second.wait())


@dataclass(frozen=True)
class SearchMeanwhile:
    """Somebody searches while the run is going."""

    moment: Moment

    def strike(self, history: History) -> None:
        """See `Fault`."""
        run = history.begin()
        history.watch.wait_for(self.moment, run)
        search = history.begin_search()
        found, outcome = search.wait(), run.wait()
        assert ended_well(outcome), f"a search made a run fail: {outcome.stderr[-2000:]}"
        # before the first points there is nothing to search, which it says
        assert ended_well(found) or "ingest" in found.stderr, f"a run made a search fail: {found.stderr[-2000:]}"


@dataclass(frozen=True)
class Outage:
    """The Qdrant server goes away at a moment, stopped or killed, and is back after some seconds. The run waits."""

    moment: Moment
    seconds: float
    is_killed: bool

    def strike(self, history: History) -> None:
        """See `Fault`."""
        server = history.world.server
        assert server is not None
        run = history.begin()
        history.watch.wait_for(self.moment, run)
        if self.is_killed:
            server.kill()
        server.stop()
        try:
            history.log.append(f"the server is gone for {self.seconds:.1f} s at {self.moment}")
            run.ends_within(self.seconds)
        finally:
            is_as_it_was = server.start_again()
        outcome = run.wait()
        if is_as_it_was:
            assert ended_well(outcome), f"a short outage made a run fail: {outcome.stderr[-2000:]}"
        else:
            history.world.tally.faults["Qdrant lost"] += 1
            history.log.append("Qdrant could not read its own storage, and began with nothing")
            ended_well(outcome)


@dataclass(frozen=True)
class FullStore:
    """The store's disk is full, but for some bytes: before the run, or from a moment of it on."""

    left_bytes: int
    moment: Moment | None = None

    def strike(self, history: History) -> None:
        """See `Fault`."""
        room = history.world.room
        if self.moment is None:
            room.fill(self.left_bytes)
            run = history.begin()
        else:
            run = history.begin()
            history.watch.wait_for(self.moment, run)
            room.fill(self.left_bytes)
        try:
            outcome = run.wait()
        finally:
            room.make_space()
        history.log.append(f"{self.left_bytes} bytes left: {outcome.code} {outcome.stderr[-300:]}")
        ended_well(outcome)


_seconds = st.one_of(st.just(0.0), st.floats(0, 0.1))
_moments = st.one_of(
    st.builds(Moment, st.sampled_from([*Stage]).map(Place), st.integers(1, 4), _seconds),
    st.builds(Moment, st.sampled_from([Place.TENSORS, Place.THUMBNAILS]), st.integers(1, 8), _seconds),
    st.builds(Moment, st.sampled_from([Place.CACHE, Place.COLLECTION, Place.LEDGER]), st.integers(1, 8), _seconds),
    st.builds(Moment, st.just(Place.DAGSTER), st.integers(1, 80), st.just(0.0)),
)
_few_operations = st.lists(operations, min_size=1, max_size=4).map(tuple)
_pages = st.integers(0, 40).map(lambda root: root * root * 4096)


def faults(has_server: bool, can_fill: bool) -> list[st.SearchStrategy[Fault]]:
    """Faults of all kinds that there can be here, some of them more often."""
    kills: list[st.SearchStrategy[Fault]] = [st.builds(Kill, _moments), st.builds(Kill, st.floats(0.1, 3.0))]
    others: list[st.SearchStrategy[Fault]] = [
        st.builds(ChangesMeanwhile, _few_operations, _moments, st.booleans()),
        st.builds(TwoRuns, _few_operations, st.floats(0, 1.5), st.one_of(st.none(), _moments)),
        st.builds(SearchMeanwhile, _moments),
    ]
    if has_server:
        others += [st.builds(Outage, _moments, st.floats(0.1, 3.0), st.booleans())] * 2
    if can_fill:
        others.append(st.builds(FullStore, _pages, st.one_of(st.none(), _moments)))
    return [*kills, *others]
