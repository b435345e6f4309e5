"""What happened to a file, run after run."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from image_pipeline.storage.history import KEPT_EVENTS, Event, FileEvent
from image_pipeline.storage.ledger import Ledger, LedgerEntry, QuarantinedFile

PATH = "trip/a.jpg"


class Runs:
    """Enters runs of one directory in a ledger, a day after the other."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.runs = ledger, 0

    def __call__(
        self, indexed: dict[str, str], bad: Iterable[tuple[str, str, str]] = (), key: str = "trip", days: int = 1
    ) -> list[FileEvent]:
        self.runs += 1
        run, at = (
            f"run-{self.runs}",
            f"2026-{1 + self.runs * days // 28:02}-{1 + self.runs * days % 28:02}T08:00:00+00:00",
        )
        quarantined = [QuarantinedFile(key, path, sha, reason, "words", run, at) for path, sha, reason in bad]
        entry = LedgerEntry(key, f"f{run}", len(indexed), len(indexed), 0, "images--0", "recipe", run, at)
        return self.ledger.record(entry, quarantined, indexed)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(Ledger(tmp_path / "ledger.sqlite"))


def told(runs: Runs, path: str = PATH) -> list[tuple[str, str, str | None, str | None]]:
    return [(event.event, event.run_id, event.sha256, event.reason) for event in runs.ledger.history(path)]


def test_the_life_of_a_file(runs: Runs) -> None:
    runs({PATH: "aa"})
    runs({PATH: "aa"})
    runs({PATH: "bb"})
    runs({}, [(PATH, "cc", "truncated")])
    runs({}, [(PATH, "cc", "truncated")])
    runs({}, [(PATH, "dd", "empty")])
    runs({PATH: "ee"})
    runs({})
    runs({PATH: "ee"})
    assert told(runs) == [
        ("indexed", "run-1", "aa", None),
        ("replaced", "run-3", "bb", None),
        ("quarantined", "run-4", "cc", "truncated"),
        ("quarantined", "run-6", "dd", "empty"),
        ("released", "run-7", "ee", None),
        ("deleted", "run-8", "ee", None),
        ("indexed", "run-9", "ee", None),
    ]
    assert runs.ledger.history(PATH)[2].message == "words"


def test_a_run_that_finds_nothing_new_writes_nothing(runs: Runs) -> None:
    files = {f"trip/{n}.jpg": f"{n:02}" for n in range(1200)}
    assert {event.event for event in runs(files)} == {Event.INDEXED}
    assert runs(files) == []
    assert [event.path for event in runs({**files, "trip/7.jpg": "new"})] == ["trip/7.jpg"]


def test_a_file_is_none_of_another_directorys_business(runs: Runs) -> None:
    runs({PATH: "aa"})
    runs({"trip/below/b.jpg": "bb"}, key="trip/below")
    runs({}, key="trip/below")
    assert told(runs) == [("indexed", "run-1", "aa", None)]


def test_a_directory_that_is_gone_tells_it_of_its_files(runs: Runs) -> None:
    runs({PATH: "aa"})
    runs.ledger.forget(["trip"], "run-gone")
    assert told(runs)[-1] == ("deleted", "run-gone", "aa", None)


def test_a_split_directory_moves_its_files_and_deletes_none(runs: Runs) -> None:
    runs({PATH: "aa", "trip/b.jpg": "bb"}, [("trip/bad.jpg", "ff", "empty")])
    runs({PATH: "aa"}, [("trip/bad.jpg", "ff", "empty")], key="trip#0of2")
    runs({"trip/b.jpg": "bb"}, key="trip#1of2")
    runs.ledger.forget(["trip"], "run-retire")
    assert [event for event, *_ in told(runs)] == ["indexed", "moved"]
    assert [event for event, *_ in told(runs, "trip/b.jpg")] == ["indexed", "moved"]
    assert [event for event, *_ in told(runs, "trip/bad.jpg")] == ["quarantined", "moved"]
    runs({PATH: "aa"}, [("trip/bad.jpg", "ff", "empty")], key="trip#0of2")
    assert len(told(runs, "trip/bad.jpg")) == 2, "it is in quarantine as it was"


def test_only_the_last_events_of_a_file_are_kept(runs: Runs) -> None:
    for n in range(KEPT_EVENTS + 5):
        runs({PATH: f"{n:02}"})
    kept = runs.ledger.history(PATH)
    assert [event.sha256 for event in kept] == [f"{n:02}" for n in range(5, KEPT_EVENTS + 5)]


def test_a_deleted_file_is_forgotten_after_a_while_unless_it_came_back(runs: Runs) -> None:
    runs({PATH: "aa", "trip/back.jpg": "bb"})
    runs({})
    runs({"trip/back.jpg": "bb"})
    runs.runs = 80
    runs({"trip/back.jpg": "bb", "trip/new.jpg": "cc"})
    assert runs.ledger.history(PATH), "it was deleted less than 90 days ago"
    runs.runs = 110
    runs({"trip/back.jpg": "bb", "trip/newer.jpg": "dd"})
    assert not runs.ledger.history(PATH)
    assert len(runs.ledger.history("trip/back.jpg")) == 3


def test_a_content_that_no_file_has_had_for_long_is_told_until_nothing_is_left_of_it(runs: Runs) -> None:
    runs({PATH: "aa", "trip/b.jpg": "bb", "trip/c.jpg": "cc", "trip/copy.jpg": "cc", "trip/back.jpg": "dd"})
    runs({PATH: "a2", "trip/copy.jpg": "cc"})
    runs({PATH: "a2", "trip/copy.jpg": "cc", "trip/renamed.jpg": "dd"})
    assert runs.ledger.left_contents("2026-02-20T00:00:00+00:00") == [], "they may come back"
    assert runs.ledger.left_contents("2026-07-01T00:00:00+00:00") == ["aa", "bb"], "others have cc and dd"
    runs.ledger.forget_contents(["aa"])
    assert runs.ledger.left_contents("2026-07-01T00:00:00+00:00") == ["bb"]


def test_a_run_that_cannot_be_entered_leaves_no_history(runs: Runs) -> None:
    runs({PATH: "aa"})
    twice = ("trip/bad.jpg", "ff", "empty")
    with pytest.raises(Exception, match="UNIQUE"):
        runs({PATH: "bb"}, [twice, twice])
    assert told(runs) == [("indexed", "run-1", "aa", None)]
    assert not runs.ledger.history("trip/bad.jpg")
