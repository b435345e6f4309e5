"""The command `search` by words, over the demo library: names first, and why each photograph was found."""

import pytest

from image_pipeline.demo.library import make_library
from image_pipeline_tests.cli.test_search import Commands
from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.scenes import encoded, scene, write
from image_pipeline_tests.support.tagged import bag, packet


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """The demo library, with captions, and two photographs whose keywords are hostile."""
    pipeline = Pipeline.below(tmp_path_factory.mktemp("demo"), models="demo")
    make_library(pipeline.root)
    (pipeline.root / "people").mkdir()
    for number, keyword in enumerate(("Sea\x9b2Jside", "zoo\u202e")):
        people = bag("Iptc4xmpExt:PersonInImage", "Anna-Lena Berg")
        xmp = packet(bag("dc:subject", keyword) + people, photoshop_City="Málaga")
        write(pipeline.root, f"people/IMG_9{number}42.jpg", encoded(scene(64 + number, 48), "JPEG", xmp=xmp))
    with own_environment():
        pipeline.ingest()
    return Commands(pipeline, {})


def test_words_that_are_names_find_their_photographs_first(demo: Commands) -> None:
    people = {"people/IMG_9042.jpg", "people/IMG_9142.jpg"}
    for words in ("Anna-Lena", "annalena berg", "a photo of anna in malaga", "MALAGA", "people"):
        assert {hit["path"] for hit in demo.json("search", *words.split(), "--limit", "2")} == people, words
    for words in ("IMG_9142", "img 9142", "9142", "people/IMG_9142.jpg"):
        assert [hit["path"] for hit in demo.json("search", words, "--limit", "1")] == ["people/IMG_9142.jpg"], words
    assert {hit["path"].rpartition("/")[0] for hit in demo.json("search", "winter", "--limit", "20")} == {"2023/winter"}
    assert all(hit["city"] == "Lisbon" for hit in demo.json("search", "lisbon", "--limit", "3"))
    assert demo.json("search", "anna", "--city", "Lisbon", "--all", "--limit", "1")[0]["matched"]["words"] == []


def test_a_scene_is_found_by_its_picture_and_its_caption(demo: Commands) -> None:
    hits = demo.json("search", "a red circle on a blue background", "--limit", "3")
    assert all("red circle" in hit["caption"] and "blue background" in hit["caption"] for hit in hits)
    assert hits[0]["matched"] == {
        "words": [{"word": word, "fields": ["caption"]} for word in ("red", "circle", "blue", "background")],
        "picture": hits[0]["score"],
    }
    newest = demo.json("search", "red circle", "--limit", "5", "--sort", "newest")
    assert {hit["path"] for hit in newest} == {hit["path"] for hit in demo.json("search", "red circle", "--limit", "5")}
    dates = [hit["taken_local"] or "" for hit in newest]
    assert dates == sorted(dates, reverse=True)
    assert demo.json("search", "--image", "people/IMG_9042.jpg", "--limit", "1")[0]["matched"] is None


def test_people_read_why_a_photograph_was_found(demo: Commands) -> None:
    def why(*arguments: str) -> str:
        done = demo.run("search", *arguments, "--all", "--limit", "1")
        assert (done.exit_code, done.stderr) == (0, "")
        *_, line = done.stdout.splitlines()
        score, words = line.rpartition(" picture ")[2], line.rpartition(" picture ")[0]
        assert done.stdout.startswith(score[:3]) and len(score) == 4
        return words

    assert why("Anna", "in", "MALAGA") == '       matched: words "Anna" in people, "MALAGA" in city ·'
    assert why("a", "9042", "img") == '       matched: words "9042" and "img" in file name ·'
    assert why("zoo") == '       matched: words "zoo" in keywords ·'
    for nothing in ("qwertz", "🎈", "\x1b[Q\u202e", "the", "qwertz " * 20_000):
        assert why(nothing) == "       matched:", nothing[:20]
    hostile = demo.run("search", "sea\x9b2Jside", "--limit", "1").stdout
    assert 'words "sea\\u009b2Jside" in keywords' in hostile and "\x9b" not in hostile
