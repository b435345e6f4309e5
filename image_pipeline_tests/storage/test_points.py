"""Points: one for each file, the same id for ever, and what changes when."""

from hypothesis import given
from hypothesis import strategies as st

from image_pipeline.collection.points import Point, difference, make_point, point_id


def test_the_id_of_a_path_never_changes() -> None:
    assert point_id("2024/Rome/a.jpg") == "34d7d124-4da2-5728-a3ec-202191c8db64"
    assert point_id("日本/\uf7e9.jpg") == "441ab855-ae67-5ecc-acb3-d32324bc07df"


def test_a_digest_tells_whether_anything_that_lasts_has_changed() -> None:
    payload = {"sha256": "ab", "caption": "a cat", "iso": 100, "lens": None, "run_id": "1", "ingested_at": "now"}
    point = make_point("a.jpg", [1.0], payload)
    assert point.payload == {
        "sha256": "ab",
        "caption": "a cat",
        "iso": 100,
        "run_id": "1",
        "ingested_at": "now",
        "path": "a.jpg",
        "digest": point.digest,
    }
    assert make_point("a.jpg", [1.0], {**payload, "run_id": "2", "ingested_at": "later"}).digest == point.digest
    assert make_point("a.jpg", [1.0], dict(reversed(payload.items()))).digest == point.digest
    for change in ({"caption": "a dog"}, {"lens": "50 mm"}, {"iso": None}):
        assert make_point("a.jpg", [1.0], {**payload, **change}).digest != point.digest
    assert make_point("b.jpg", [1.0], payload).digest != point.digest


POINTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["1", "2"]))


@given(POINTS, POINTS)
def test_a_difference_brings_what_is_there_to_what_is_wanted(there: dict[str, str], wanted: dict[str, str]) -> None:
    points = [Point(id_, [1.0], {"digest": digest}) for id_, digest in wanted.items()]
    change = difference(there, points)
    after = {**there, **{point.id: point.digest for point in change.upserts}}
    for id_ in change.deletions:
        del after[id_]
    assert after == wanted
    assert all(there.get(point.id) != point.digest for point in change.upserts), "nothing is written twice"
