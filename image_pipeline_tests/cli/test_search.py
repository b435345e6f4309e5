"""The commands `search` and `facets`: what they find, what they print, and what they say of wrong input."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from image_pipeline.cli.main import main
from image_pipeline.files.names import to_text
from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.scenes import encoded, scene, write
from image_pipeline_tests.support.shell import Shell
from image_pipeline_tests.support.tagged import bag, exif_block, packet

HOSTILE = "a\x1b[2J\n0 missing\u202e caf\udce9.jpg"
"""Wipes a screen, begins a line of its own, runs backwards, and is not UTF-8."""
EVENING, COPY, RETAGGED = "2024/trip/evening.jpg", "2024/trip/copy of evening.jpg", "2024/trip/evening tagged.jpg"
NOON, GRANDMA, SCAN = "2023/2023-07-14 12.00.30.png", "old/grandma.jpg", "old/scan.jpg"
ALL = {EVENING, COPY, RETAGGED, NOON, GRANDMA, SCAN}


def draw_library(root: Path) -> None:
    for directory in ("2024/trip", "2023", "old"):
        (root / directory).mkdir(parents=True)
    exif = exif_block(
        {0x010F: "Canon", 0x0110: "Canon EOS R5"},
        {0x9003: "2024:05:01 18:30:15", 0x9011: "+01:00", 0xA434: "RF24-70mm F2.8 L IS USM", 0x8827: 800},
    )
    for path, rating in ((EVENING, 4), (COPY, 4), (RETAGGED, 5)):
        words = bag("dc:subject", "Beach", "Été") + bag("Iptc4xmpExt:PersonInImage", "Anna Berg")
        xmp = packet(words, xmp_Rating=str(rating), photoshop_City="Lisbon", photoshop_Country="Portugal")
        write(root, path, encoded(scene(), "JPEG", exif=exif, xmp=xmp))
    write(root, NOON, encoded(scene(80, 60), "PNG"))
    exif = exif_block({0x010F: "NIKON CORPORATION", 0x0110: "NIKON D750"}, {0x8827: 100})
    xmp = packet(bag("dc:subject", "beach"), xmp_Rating="-1", photoshop_DateCreated="1965-07")
    write(root, GRANDMA, encoded(scene(72, 54), "JPEG", exif=exif, xmp=xmp))
    write(root, SCAN, encoded(scene(64, 96), "JPEG"))


@dataclass(frozen=True)
class Commands:
    """The commands over a library that was ingested."""

    pipeline: Pipeline
    environment: dict[str, str]

    def run(self, *arguments: str) -> Result:
        home = {"IMAGE_PIPELINE_HOME": str(self.pipeline.settings.home)}
        with own_environment():
            return CliRunner(env={**home, **self.environment}).invoke(main, arguments)

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert (done.exit_code, done.stderr) == (0, ""), done.stderr
        return json.loads(done.stdout)

    def found(self, *arguments: str) -> set[str]:
        hits = self.json("search", *arguments)
        return {path for hit in hits for path in (hit["path"], *hit["copies"])}

    def refusal(self, *arguments: str, code: int = 2) -> str:
        done = self.run(*arguments)
        assert (done.exit_code, done.stdout) == (code, "")
        return done.stderr.splitlines()[-1].removeprefix("Error: ")


@pytest.fixture(scope="module", params=["embedded", "server"])
def commands(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Commands:
    home = tmp_path_factory.mktemp("search")
    draw_library(home / "library")
    environment: dict[str, str] = {}
    given: dict[str, Any] = {}
    if request.param == "server":
        server = request.getfixturevalue("qdrant_server")
        given = {"qdrant_url": server.url, "qdrant_grpc_port": server.grpc_port, "collection": "search"}
        environment = {"QDRANT_URL": server.url, "QDRANT_GRPC_PORT": str(server.grpc_port)}
        environment["IMAGE_PIPELINE_COLLECTION"] = "search"
    pipeline = Pipeline.below(home, **given)
    with own_environment():  # a run tells its settings to its processes
        pipeline.ingest()
    return Commands(pipeline, environment)


def test_without_words_the_newest_come_first(commands: Commands) -> None:
    hits = commands.json("search", "--sort", "newest")
    assert [hit["path"] for hit in hits] == [hits[0]["path"], NOON, GRANDMA, SCAN], "without a date last"
    assert {hits[0]["path"], *hits[0]["copies"]} == {EVENING, COPY, RETAGGED}
    assert [hit["score"] for hit in hits] == [None] * 4
    assert [hit["path"] for hit in commands.json("search", "--sort", "oldest")][:2] == [GRANDMA, NOON]
    assert [hit["path"] for hit in commands.json("search", "--directory", "old")] == [GRANDMA, SCAN]
    assert len(commands.json("search", "--sort", "newest", "--limit", "2")) == 2


def test_words_may_be_unquoted_and_sorted_by_date(commands: Commands) -> None:
    quoted = commands.json("search", "red circle")
    assert commands.json("search", "red", "circle") == quoted
    assert commands.json("search", "red circle", "--sort", "relevance") == quoted
    scores = [hit["score"] for hit in quoted]
    assert len(scores) == 4 and scores == sorted(scores, reverse=True)
    [oldest, *_, last] = commands.json("search", "red", "circle", "--sort", "oldest")
    assert (oldest["path"], last["path"]) == (GRANDMA, SCAN) and oldest["score"] is not None
    two = {hit["path"] for hit in quoted[:2]}
    assert {hit["path"] for hit in commands.json("search", "red", "circle", "--sort", "newest", "--limit", "2")} == two


def test_what_a_hit_says(commands: Commands) -> None:
    [hit] = commands.json("search", "--rating", "4")
    assert hit == {
        "path": hit["path"],
        "score": None,
        "caption": "",
        "sha256": hit["sha256"],
        "copies": hit["copies"],
        "identical": hit["copies"],
        "taken_local": "2024-05-01T18:30:15",
        "taken_precision": "second",
        "place": None,
        "city": "Lisbon",
        "country": "Portugal",
        "camera_make": "Canon",
        "camera_model": "Canon EOS R5",
        "width": 96,
        "height": 64,
        "size_bytes": hit["size_bytes"],
        "pixels": hit["pixels"],
        "close": None,
        "matched": None,
    }
    assert {hit["path"], *hit["copies"]} == {EVENING, COPY}
    assert hit["size_bytes"] > 100 and hit["pixels"].endswith("-96x64")
    [hit] = commands.json("search", "red", "--rating", "4..")
    assert (hit["path"], hit["copies"], hit["identical"]) == (COPY, [RETAGGED, EVENING], [EVENING])


def test_what_people_read(commands: Commands) -> None:
    def lines(*arguments: str) -> list[str]:
        done = commands.run(*arguments)
        assert (done.exit_code, done.stderr) == (0, "")
        return done.stdout.splitlines()

    facts = "       2024-05-01 18:30 · Lisbon, Portugal · Canon EOS R5 · 96 × 64"
    score, *_ = lines("search", "red", "--keyword", "été")
    cosine = commands.json("search", "red", "--keyword", "été")[0]["score"]
    assert lines("search", "red", "--keyword", "été")[1:] == [facts, f"       matched: picture {cosine:.2f}"]
    assert score.endswith(f"  {COPY}  (+2 copies, 1 identical)") and 0 < float(score.split()[0]) < 1
    assert lines("search", "--rating", "5") == [RETAGGED, facts]
    assert lines("search", "--rating=-1") == [GRANDMA, "       1965-07 · NIKON D750 · 72 × 54"]
    assert lines("search", "--directory", "old", "--format", "jpg", "--not-keyword", "beach") == [
        SCAN,
        "       64 × 96",
    ]
    assert lines("search", "--format", "png")[1] == "       2023-07-14 12:00 · 80 × 60"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--camera", "canon"), {EVENING, COPY, RETAGGED}),
        (("--camera", "EOS r5"), {EVENING, COPY, RETAGGED}),
        (("--camera", "Nikon D750"), {GRANDMA}),
        (("--camera", "nikon corporation"), {GRANDMA}),
        (("--lens", "rf24-70MM"), {EVENING, COPY, RETAGGED}),
        (("--keyword", "BEACH"), {EVENING, COPY, RETAGGED, GRANDMA}),
        (("--keyword", "beach", "--keyword", "ÉTÉ"), {EVENING, COPY, RETAGGED}),
        (("--not-keyword", "Beach"), {NOON, SCAN}),
        (("--person", "berg"), {EVENING, COPY, RETAGGED}),
        (("--rating", "..4"), {EVENING, COPY, GRANDMA}),
        (("--rating", "4.."), {EVENING, COPY, RETAGGED}),
        (("--iso", "101..800"), {EVENING, COPY, RETAGGED}),
        (("--iso", "100"), {GRANDMA}),
        (("--format", "PNG"), {NOON}),
        (("--directory", "2024"), {EVENING, COPY, RETAGGED}),
        (("--directory", "old/"), {GRANDMA, SCAN}),
        (("--city", "LISBON", "--country", "portugal"), {EVENING, COPY, RETAGGED}),
        (("--after", "1965-07-20", "--before", "2024"), {GRANDMA, NOON}),
        (("--camera", "canon", "--rating", "5", "--after", "2024-05-01"), {RETAGGED}),
    ],
)
def test_filters(commands: Commands, arguments: tuple[str, ...], expected: set[str]) -> None:
    assert commands.found(*arguments) == expected


def test_values_and_counts(commands: Commands) -> None:
    def facet(*arguments: str) -> list[tuple[Any, int]]:
        return [(one["value"], one["count"]) for one in commands.json("facets", *arguments)]

    assert facet("camera") == [("Canon EOS R5", 3), ("NIKON D750", 1)]
    assert facet("lens") == [("RF24-70mm F2.8 L IS USM", 3)]
    assert facet("keyword") == [("Beach", 3), ("Été", 3), ("beach", 1)]
    assert facet("person") == [("Anna Berg", 3)]
    assert facet("city") == [("Lisbon", 3)]
    assert facet("country") == [("Portugal", 3)]
    assert facet("year") == [(2024, 3), (1965, 1), (2023, 1)]
    assert facet("rating") == [(4, 2), (-1, 1), (5, 1)]
    assert facet("iso") == [(800, 3), (100, 1)]
    assert facet("format") == [("jpeg", 5), ("png", 1)]
    assert facet("directory") == [("2024/trip", 3), ("old", 2), ("2023", 1)]
    assert facet("year", "--format", "jpeg", "--rating", "5") == [(2024, 1)]
    shown = commands.run("facets", "directory", "--limit", "2").stdout.splitlines()
    assert shown == ["      3  2024/trip", "      2  old", "1 other value: `--limit` lists more."]
    shown = commands.run("facets", "person", "--directory", "old").stdout.splitlines()
    assert shown == ["No photograph that the filters let through has a value of person."]


def test_a_value_that_does_not_exist_is_said_with_those_that_do(commands: Commands) -> None:
    for arguments, told in (
        (("search", "--camera", "cannon"), "has the camera 'cannon'; there are: Canon EOS R5 and 1 other."),
        (("search", "red", "--keyword", "ete"), "has the keyword 'ete'; there are: Été and 2 others."),
        (("search", "--directory", "2024/trp"), "is in the directory '2024/trp'; there are: 2024/trip and 2 others."),
        (("search", "--format", "raw"), "has the format 'raw'; there are: jpeg, png."),
        (("facets", "iso", "--person", "Bob"), "has the person 'Bob'; there are: Anna Berg."),
    ):
        done = commands.run(*arguments)
        assert (done.exit_code, done.stderr) == (0, f"image-pipeline: No photograph {told}\n")
        assert commands.json(*arguments) == []
    done = commands.run("search", "--not-keyword", "zoo", "--limit", "1")
    assert done.stderr.startswith("image-pipeline: No photograph has the keyword 'zoo'; there are: ")
    assert len(done.stdout.splitlines()) == 2
    done = commands.run("search", "--rating", "4", "--camera", "nikon")
    assert (done.stdout, done.stderr) == ("No photographs were found.\n", ""), "there is such a camera"


def test_a_directory_is_found_in_any_case_and_an_option_that_is_repeated_is_refused(commands: Commands) -> None:
    assert commands.found("--directory", "OLD") == commands.found("--directory", "old") != set()
    for name in ("--city", "--camera", "--after"):
        assert (
            commands.refusal("search", name, "2020", name, "2021") == f"Invalid value for '{name}': give it only once"
        )
    assert commands.refusal("facets").startswith("Give a FIELD: camera, lens, keyword, ")


def test_wrong_input_is_told_in_a_sentence(commands: Commands) -> None:
    assert commands.refusal("search") == (
        "Give WORDS that describe a picture, --image FILE, at least one filter, such as --camera, --after or "
        "--keyword, or --sort newest."
    )
    empty = "WORDS are empty: describe a picture, such as `image-pipeline search a red circle`."
    assert commands.refusal("search", "") == commands.refusal("search", "  ", "--camera", "canon") == empty
    both = "Give either WORDS or --image FILE, not both."
    assert commands.refusal("search", "red", "--image", EVENING) == both
    relevance = "--sort relevance needs WORDS or --image FILE: give one of them, or sort by newest or oldest."
    assert commands.refusal("search", "--sort", "relevance", "--camera", "canon") == relevance
    assert "'newest'" in commands.refusal("search", "red", "--sort", "best")
    assert "'camera'" in commands.refusal("facets", "cameras")
    near = "give a latitude from -90 to 90, a longitude from -180 to 180, and a distance above 0 km"
    assert commands.refusal("search", "--near", "91,0,5") == f"Invalid value for --near: {near}"
    assert commands.refusal("search", "--directory", "/nowhere").startswith(
        "Invalid value for --directory: /nowhere is not in "
    )


def test_a_picture_of_the_library_is_found_from_anywhere(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = commands.pipeline.root
    monkeypatch.chdir(tmp_path)
    assert commands.json("search", "--image", GRANDMA, "--limit", "1")[0]["path"] == GRANDMA
    write(tmp_path, "grandma.jpg", (library / SCAN).read_bytes())
    monkeypatch.chdir(library / "old")
    assert commands.json("search", "--image", "grandma.jpg", "--limit", "1")[0]["path"] == GRANDMA
    monkeypatch.chdir(tmp_path)
    assert commands.json("search", "--image", "grandma.jpg", "--limit", "1")[0]["path"] == SCAN, "here comes first"
    (library / "link.jpg").symlink_to(tmp_path / "grandma.jpg")
    (library / "outside").symlink_to(tmp_path)
    try:
        for wrong in (
            "nowhere.jpg",
            "link.jpg",
            "outside/grandma.jpg",
            "old/../../nowhere.jpg",
            str(tmp_path / "gone.jpg"),
        ):
            assert commands.refusal("search", "--image", wrong) == (
                f"Invalid value for --image: {wrong} does not exist in the working directory {tmp_path}, nor in the "
                f"library {library}: give the path of a picture, or one that `image-pipeline search` prints"
            )
    finally:
        (library / "link.jpg").unlink()
        (library / "outside").unlink()
    os.mkfifo(library / "pipe.jpg")
    told = commands.refusal("search", "--image", "pipe.jpg")
    (library / "pipe.jpg").unlink()
    assert "pipe.jpg in the library" in told and "cannot be opened (Not a regular file)" in told
    assert commands.refusal("search", "--image", str(library)).endswith(" is a directory: give the path of a picture")


def test_a_hostile_path_can_be_pasted_as_it_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline.below(tmp_path)
    hostile = Commands(pipeline, {})
    for directory, name, size in (("sub", HOSTILE, 60), (HOSTILE, "other.jpg", 40)):
        (pipeline.root / directory).mkdir()
        write(pipeline.root / directory, name, encoded(scene(size, size), "JPEG"))
    pipeline.ingest()
    monkeypatch.chdir("/")
    printed = hostile.run("search", "--directory", "sub").stdout.splitlines()[0]
    assert printed == r"sub/a\x1b[2J\n0 missing\u202e caf" + "\uf7e9.jpg"
    [sub] = hostile.json("search", "--directory", "sub")
    assert hostile.json("search", "--image", printed, "--limit", "1") == [{**sub, "score": pytest.approx(1, abs=1e-3)}]
    directory = hostile.run("facets", "directory").stdout.splitlines()[0].removeprefix("      1  ")
    assert hostile.found("--directory", directory) == {f"{to_text(HOSTILE)}/other.jpg"}


def test_filters_alone_load_no_model(installed_shell: Shell) -> None:
    shell = installed_shell
    (shell.home / "Photos").mkdir()
    write(shell.home / "Photos", "a.jpg", encoded(scene(), "JPEG"))
    shell.json("ingest", "Photos")
    traps = shell.home / "traps"
    for package in ("torch", "open_clip", "transformers"):
        (traps / package).mkdir(parents=True)
        (traps / package / "__init__.py").write_text("raise SystemExit('a model is loaded')")
    for arguments in (("search", "--format", "jpeg"), ("facets", "format")):
        done = shell.run(*arguments, PYTHONPATH=str(traps))
        assert done.returncode == 0 and done.stdout, done.stderr
    assert shell.run("search", "red", PYTHONPATH=str(traps)).stderr == "a model is loaded\n"
