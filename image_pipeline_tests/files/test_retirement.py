"""What went waits for what came, for an hour at most."""

from image_pipeline.files.deletions import possible_replacements, waiting_for_replacements
from image_pipeline.files.plan import OUTDATED, Ingested, ListedPartition


def test_what_came_or_changed_is_awaited_and_what_is_only_made_anew_is_not() -> None:
    files = {"new": "a", "changed": "b", "same": "c", "by another model": "d", "begun": "e", "cannot be read": "f"}
    listed = {key: ListedPartition(key, 1, fingerprint) for key, fingerprint in files.items()}
    ingested = {
        "changed": Ingested("x", 1),
        "same": Ingested("c", 1),
        "by another model": Ingested("d", 1, current=False),
        "begun": Ingested(f"{OUTDATED}e", 1),
        "cannot be read": Ingested("", 1),
        "gone": Ingested("a", 1),
    }
    assert possible_replacements(listed, ingested) == {"new", "changed"}


def test_an_hour_is_enough() -> None:
    gone = {"early": 0.0, "late": 1800.0}
    assert waiting_for_replacements(gone, {"new"}, now=3599.0) == {"early", "late"}
    assert waiting_for_replacements(gone, {"new"}, now=3600.0) == {"late"}
    assert waiting_for_replacements(gone, set(), now=1.0) == set()
