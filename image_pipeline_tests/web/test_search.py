"""The API: what is found, page by page, and what is said if a request makes no sense."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from image_pipeline.collection.points import point_id
from image_pipeline.web.library import ServedLibrary
from image_pipeline_tests.web.conftest import HOSTILE


def get(client: TestClient, route: str, status: int = 200, **given: Any) -> Any:
    answer = client.get(route, params=given)
    assert answer.status_code == status, answer.text
    return answer.json()


def found(client: TestClient, **given: Any) -> list[str]:
    """The photographs on all pages, each by the first of its paths in the alphabet."""
    answer = get(client, "/search", **given)
    paths = [min(one["paths"]) for one in answer["photographs"]]
    while answer["cursor"] is not None:
        answer = get(client, "/search", cursor=answer["cursor"], limit=given.get("limit", 50))
        paths += [min(one["paths"]) for one in answer["photographs"]]
    return paths


def refusal(client: TestClient, route: str, status: int, **given: Any) -> tuple[str, str]:
    error = get(client, route, status, **given)["error"]
    return error["code"], error["message"]


def test_words_say_why(client: TestClient) -> None:
    [first, *_] = get(client, "/search", q="a red circle on a blue background", limit=3)["photographs"]
    assert "red circle" in first["caption"] and first["close"] is True
    assert first["why"]["picture"] == first["score"] > 0.1
    assert [(one["word"], one["fields"]) for one in first["why"]["words"]][:2] == [
        ("red", ["caption"]),
        ("circle", ["caption"]),
    ]
    anna = get(client, "/search", q="anna", limit=2)["photographs"]
    assert {one["paths"][0] for one in anna} == {"people/IMG_9042.jpg", "people/IMG_9142.jpg"}
    assert anna[0]["id"] == point_id(anna[0]["paths"][0])
    assert anna[0]["city"] == "Málaga" and anna[0]["size_bytes"] > 100 and anna[0]["width"] in (64, 65)


@pytest.mark.parametrize("limit", [7, 50, 200])
def test_all_pages_by_words_have_each_photograph_once(client: TestClient, limit: int) -> None:
    everything = found(client, q="a green triangle", all=True, limit=limit)
    assert len(everything) == len(set(everything))
    assert set(everything) == set(found(client))


def test_the_first_pages_are_the_best(client: TestClient) -> None:
    at_once, in_pages = (found(client, q="a green triangle", limit=limit) for limit in (200, 6))
    assert at_once[:6] == in_pages[:6]
    assert len(set(at_once[:30]) & set(in_pages[:30])) >= 24


def test_the_irrelevant_tail_is_left_out_and_counted(client: TestClient) -> None:
    answer = get(client, "/search", q="a purple heart", limit=200)
    close, files = answer["photographs"], sum(len(one["paths"]) for one in answer["photographs"])
    assert answer["cursor"] is None and all(one["close"] for one in close)
    everything = get(client, "/timeline")
    total = sum(one["count"] for one in everything["periods"]) + everything["undated"]
    assert answer["left_out"] == total - files > 200
    assert answer["calibrated"] is True and answer["resorted"] is None


def test_phrases_are_required(client: TestClient) -> None:
    texts = [one["caption"] for one in get(client, "/search", q='"red circle"', limit=200)["photographs"]]
    assert texts and all("red circle" in text for text in texts)
    captions = [one["caption"] for one in get(client, "/search", q="red circle", all=True, limit=200)["photographs"]]
    assert len(texts) < len(captions)
    assert found(client, q='"circle triangle"') == []


def test_filters_browse_newest_first(client: TestClient) -> None:
    dates = [one["taken_local"] for one in get(client, "/search", limit=200)["photographs"]]
    assert dates == sorted(dates, key=lambda one: one or "", reverse=True)
    oldest = get(client, "/search", sort="oldest", limit=5)["photographs"]
    assert [one["taken_local"] for one in oldest] == sorted(one["taken_local"] for one in oldest)
    newest = found(client, q="2024-05", limit=4)
    assert newest and len(newest) == len(set(newest)) == len(found(client, after="2024-05", before="2024-06"))


def test_of_a_search_by_words_the_best_are_sorted_by_date(client: TestClient) -> None:
    answer = get(client, "/search", q="red circle", sort="newest", limit=5)
    assert answer["resorted"] == len(found(client, q="red circle", sort="newest", limit=5))
    assert set(found(client, q="red circle", sort="newest", limit=5)) == set(found(client, q="red circle"))
    dates = [one["taken_local"] or "" for one in answer["photographs"]]
    assert dates == sorted(dates, reverse=True)


def test_or_and_not(client: TestClient) -> None:
    phone, mirrorless = (set(found(client, q=f'camera:"{name}"')) for name in ("sample phone 12", "mirrorless"))
    assert phone and mirrorless and not phone & mirrorless
    assert set(found(client, q='camera:"sample phone 12" OR camera:mirrorless')) == phone | mirrorless
    assert set(found(client, q='camera:"sample phone 12",mirrorless')) == phone | mirrorless
    everything = set(found(client))
    assert set(found(client, q="-camera:mirrorless")) == everything - mirrorless
    assert found(client, q="keyword:work") and not set(found(client, q="-keyword:work")) & set(
        found(client, q="keyword:work/office")
    )
    near = set(found(client, q="near:Lisbon,20km"))
    assert near and near == set(found(client, city="lisbon"))
    assert near <= set(found(client, box="30,-20,50,0")) < everything


def test_a_name_of_nobody_is_named_with_those_there_are(client: TestClient) -> None:
    answer = get(client, "/search", q="camera:hasselblad")
    assert answer["photographs"] == [] and answer["unmatched"][0]["text"] == "hasselblad"
    assert "Demo Mirrorless 5" in answer["unmatched"][0]["known"]


def test_more_like_this_and_less_like_that(client: TestClient) -> None:
    red, blue = (
        get(client, "/search", q=f"a {colour} circle", limit=1)["photographs"][0] for colour in ("red", "blue")
    )
    like = get(client, "/search", like=red["id"], limit=200)["photographs"]
    assert red["paths"][0] not in {path for one in like for path in one["paths"]}
    assert [one["score"] for one in like] == sorted((one["score"] for one in like), reverse=True)
    similar = get(client, f"/similar/{red['id']}", limit=200)["photographs"]
    assert [one["id"] for one in similar] == [one["id"] for one in like]
    unlike = get(client, "/search", like=red["id"], unlike=blue["id"], limit=200)["photographs"]
    of_blue = {one["id"]: one["score"] for one in get(client, "/search", like=blue["id"], limit=200)["photographs"]}
    mean = [sum(of_blue.get(one["id"], 0.0) for one in ones[:20]) for ones in (like, unlike)]
    assert mean[1] < mean[0], "the first ones are less like the other example"
    several = found(client, like=[red["id"], blue["id"]], q="a star", limit=20)
    assert len(several) == len(set(several)) > 200


def test_by_a_picture(client: TestClient, library: ServedLibrary) -> None:
    path = "people/IMG_9042.jpg"
    assert library.root is not None
    upload = {"picture": ("x\r\n.jpg", (library.root / path).read_bytes())}
    answer = client.post("/search", params={"limit": 3}, files=upload)
    assert answer.status_code == 200, answer.text
    [first, second, *_] = answer.json()["photographs"]
    assert first["paths"][0] == path and first["score"] == pytest.approx(1, abs=0.02)
    following = get(client, "/search", cursor=answer.json()["cursor"], limit=3)["photographs"]
    assert {one["id"] for one in following}.isdisjoint({first["id"], second["id"]})
    by_path = get(client, "/search", path=path, limit=1)["photographs"][0]
    assert by_path["id"] == second["id"], "without the picture itself"
    broken = client.post("/search", files={"picture": b"no picture"})
    assert broken.status_code == 422 and "The picture cannot be read (unknown_format" in broken.text
    assert "image-pipeline-" not in broken.text, "where it was"


@pytest.mark.parametrize(
    "path", ["../library/people/IMG_9042.jpg", "/etc/passwd", "people", "a\0b", "", "people/../x.jpg"]
)
def test_no_other_picture_of_this_machine(client: TestClient, path: str) -> None:
    assert refusal(client, "/search", 404, path=path) == (
        "unknown",
        "There is no such picture in the library: give the path of one.",
    )


def test_a_file_that_was_not_ingested_yet(client: TestClient, library: ServedLibrary) -> None:
    assert library.root is not None
    new = library.root / "people" / "new.jpg"
    new.write_bytes((library.root / "people/IMG_9042.jpg").read_bytes())
    link = new.with_name("link.jpg")
    link.symlink_to(new)
    try:
        assert get(client, "/search", path="people/new.jpg", limit=1)["photographs"][0]["paths"] == [
            "people/IMG_9042.jpg"
        ]
        assert refusal(client, "/search", 404, path="people/link.jpg")[0] == "unknown"
    finally:
        new.unlink()
        link.unlink()


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ({"q": "rating:9"}, "query", "rating: give whole numbers from -1 to 5"),
        ({"q": "a camera:"}, "query", "(at character 3)"),
        ({"near": "x,y"}, "filter", "near: "),
        ({"directory": "../x"}, "filter", "give a directory of the library"),
        ({"cursor": "x"}, "cursor", "give the one of the page before"),
        ({"cursor": "W10", "q": "x"}, "invalid", "Give a cursor alone"),
        ({"sort": "relevance"}, "invalid", "sort by newest or oldest"),
        ({"unlike": point_id("people/IMG_9042.jpg")}, "invalid", "to be like something, too"),
        ({"limit": 0}, "invalid", "limit"),
        ({"colour": "red"}, "invalid", "colour"),
        ({"like": "x"}, "invalid", "like"),
    ],
)
def test_what_makes_no_sense(client: TestClient, given: dict[str, Any], code: str, message: str) -> None:
    found_code, text = refusal(client, "/search", 422, **given)
    assert found_code == code and message in text, text


def test_what_is_gone(client: TestClient) -> None:
    for path in (f"/photos/{point_id('gone.jpg')}", f"/similar/{point_id('gone.jpg')}"):
        assert refusal(client, path, 404)[0] == "unknown"
    assert refusal(client, "/search", 404, like=point_id("gone.jpg"))[0] == "unknown"
    assert refusal(client, "/search", 410, cursor="WyJyIiwibm9uZSIsNV0") == (
        "forgotten",
        "The rest of this search is no longer kept: search again.",
    )


def test_all_that_is_known(client: TestClient) -> None:
    path = "people/IMG_9042.jpg"
    record = get(client, f"/photos/{point_id(path)}")
    facts = record["facts"]
    assert (record["path"], facts["city"], facts["keywords"]) == (path, "Málaga", ["Work"])
    assert HOSTILE.replace("\u202e", "") in [name.replace("\u202e", "") for name in facts["people"]]
    assert [one["event"] for one in record["history"]] == ["indexed"] and record["has_thumbnail"]
    assert set(facts) >= {"embedding_producer", "caption_confidence", "taken_day", "place"}


def test_values_and_their_completion(client: TestClient) -> None:
    cameras = get(client, "/facets", field="camera")
    counts = [one["count"] for one in cameras["values"]]
    assert counts == sorted(counts, reverse=True) and cameras["total"] == len(counts)
    assert [one["value"] for one in get(client, "/facets", field="person", prefix="BE")["values"]] == ["Anna-Lena Berg"]
    assert [one["value"] for one in get(client, "/facets", field="city", prefix="malag")["values"]] == ["Málaga"]
    years = get(client, "/facets", field="year", q="camera:mirrorless")["values"]
    assert sum(one["count"] for one in years) <= len(found(client, q="camera:mirrorless")) + 20
    assert get(client, "/facets", field="camera", limit=1)["values"] == cameras["values"][:1]


def test_the_timeline(client: TestClient) -> None:
    answer = get(client, "/timeline")
    periods = [one["period"] for one in answer["periods"]]
    assert periods == sorted(periods) and "2024-05" in periods and answer["undated"] > 0
    may = next(one["count"] for one in answer["periods"] if one["period"] == "2024-05")
    days = get(client, "/timeline", month="2024-05")["periods"]
    assert sum(one["count"] for one in days) == may and all(one["period"].startswith("2024-05-") for one in days)
    assert len(found(client, q=days[0]["period"])) <= days[0]["count"]
    filtered = get(client, "/timeline", q="2024-05")
    assert filtered == {"periods": [{"period": "2024-05", "count": may}], "undated": 0}


def test_the_map(client: TestClient) -> None:
    world = get(client, "/map", zoom=1)["clusters"]
    located = sum(one["count"] for one in world)
    assert located == sum(one["count"] for one in get(client, "/map", zoom=18)["clusters"]) > 50
    counts = [one["count"] for one in world]
    assert counts == sorted(counts, reverse=True)
    for cluster in get(client, "/map", zoom=9)["clusters"]:
        place = get(client, f"/photos/{cluster['id']}")["facts"]["place"]
        assert abs(place["lat"] - cluster["lat"]) < 0.5 and abs(place["lon"] - cluster["lon"]) < 0.5
    japan = get(client, "/map", box="30,130,40,145", zoom=5)["clusters"]
    assert 0 < sum(one["count"] for one in japan) < located
    assert all(30 < one["lat"] < 40 and 130 < one["lon"] < 145 for one in japan)


def test_same_pixels(client: TestClient) -> None:
    answer = get(client, "/duplicates", limit=2)
    groups = answer["groups"]
    while answer["cursor"] is not None:
        answer = get(client, "/duplicates", limit=2, cursor=answer["cursor"])
        groups += answer["groups"]
    assert len(groups) == answer["total"] == len({one["pixels"] for one in groups}) > 2
    assert all(len(one["files"]) > 1 for one in groups)
    files = [file["path"] for one in groups for file in one["files"]]
    assert len(files) == len(set(files))


def test_the_state(client: TestClient) -> None:
    quarantine = get(client, "/quarantine", limit=3)
    rest = get(client, "/quarantine", limit=200, cursor=quarantine["cursor"])
    assert len(quarantine["files"]) + len(rest["files"]) == quarantine["total"] == 5 and rest["cursor"] is None
    directories = get(client, "/directories", limit=200)["directories"]
    status = get(client, "/status")
    assert status["points"] == sum(one["photographs"] for one in directories)
    assert "people" in {one["directory"] for one in directories} and status["quarantined"] == 5


def test_chips(client: TestClient) -> None:
    answer = get(client, "/parse", q='dogs "at sea" camera:nikon OR 2024-05 -tag:work')
    assert answer["words"] == "dogs at sea" and answer["phrases"] == ["at sea"] and answer["error"] is None
    assert [chip["text"] for chip in answer["chips"]] == ["camera:nikon OR 2024-05", "-keyword:work"]
    error = get(client, "/parse", q="x rating:9")["error"]
    assert (error["start"], error["end"]) == (2, 10)
