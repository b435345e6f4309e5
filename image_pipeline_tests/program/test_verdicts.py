"""What the pipeline holds against a file: for its bytes alone, and for no longer than it is true."""

import json
import shutil
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from PIL import Image

from image_pipeline.cli.main import main
from image_pipeline.files.partition import Partition
from image_pipeline.imaging.decode import decoder_version, older_decoder_versions
from image_pipeline.orchestration.assets.decoded_tensors import decoded_tensors
from image_pipeline.orchestration.ingest import Summary, open_ingestion
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.retry import retry
from image_pipeline.schema.outcome import Reason
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.dng import dng
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.rights import unprivileged
from image_pipeline_tests.support.scenes import encoded, endless_jpeg, photograph, write
from image_pipeline_tests.support.sensor import ranges, tick
from image_pipeline_tests.support.striking import Striker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, as only Linux has it")

LIMITS = {"decode_seconds": 30.0, "decode_memory": 2 << 30, "decode_pixels": 200_000_000}
SLOW_SCANS = 700  # a second or so


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """An empty library, with the embedded Qdrant."""
    return Pipeline.below(tmp_path, settle_seconds=0)


def with_limits(pipeline: Pipeline, **limits: float) -> Pipeline:
    """The same library and store with other limits; those that are not given are the usual ones."""
    return pipeline.with_settings(settle_seconds=0, **{**LIMITS, **limits})


def decoded(pipeline: Pipeline) -> int:
    """How many files the last run decoded."""
    with open_instance(Store(pipeline.settings.home)) as instance:
        [run] = instance.get_runs(limit=1)
        events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    told = [event.asset_materialization for event in events]
    counts = [m.metadata.get("images_decoded") for m in told if m is not None and m.asset_key == decoded_tensors.key]
    return sum(count.value for count in counts if isinstance(count, dg.IntMetadataValue) and count.value is not None)


def cost(pipeline: Pipeline) -> tuple[int, int, int]:
    """Ingest; how many files were decoded, how many went through a model, and how many points were deleted."""
    runs = number_of_runs(pipeline)
    summary = pipeline.ingest()
    return decoded(pipeline) if number_of_runs(pipeline) > runs else 0, summary.embedded, summary.deleted


def number_of_runs(pipeline: Pipeline) -> int:
    with open_instance(Store(pipeline.settings.home)) as instance:
        return instance.get_runs_count()


def reasons(pipeline: Pipeline) -> dict[str, str]:
    return {file.path: file.reason for file in pipeline.quarantine()}


def let_pass(pipeline: Pipeline, seconds: float) -> None:
    """Let every file have been tried so much earlier."""
    with closing(sqlite3.connect(Store(pipeline.settings.home).ledger_file)) as ledger, ledger:
        ledger.execute("UPDATE failure SET tried_at = tried_at - ?", (seconds,))


class _Children:
    """The workers of this process, whichever pool has them."""

    @property
    def worker_pids(self) -> tuple[int, ...]:
        found = [tasks.read_text().split() for tasks in Path("/proc/self/task").glob("*/children")]
        return tuple(int(pid) for some in found for pid in some)


@contextmanager
def crashing(path: Path) -> Iterator[Striker]:
    """For a while, the worker crashes that is first seen with a file."""
    striker = Striker(_Children(), path, [signal.SIGSEGV])  # type: ignore[arg-type]
    striker.start()
    try:
        yield striker
    finally:
        striker.stop()


def crash(pipeline: Pipeline, path: Path) -> Summary:
    """Ingest, while the decoder crashes with a file in hand."""
    with crashing(path) as striker:
        summary = pipeline.ingest()
    assert len(striker.struck) == 1
    return summary


def test_no_copy_is_condemned_for_the_name_of_another(pipeline: Pipeline) -> None:
    contents = [
        encoded(photograph(120, 80), "JPEG"),
        encoded(photograph(96, 64), "TIFF"),
        dng(photograph(480, 320), encoded(photograph(60, 40), "JPEG")),
    ]
    for directory, names in (("a", ("1.nef", "2.CR2", "3.jpg")), ("b", ("1.jpg", "2.tif", "3.dng"))):
        (pipeline.root / directory).mkdir()
        for name, content in zip(names, contents, strict=True):
            write(pipeline.root / directory, name, content)
        assert cost(pipeline) == ((3, 3, 0) if directory == "a" else (0, 0, 0)), "of the bytes, all is known"
    points = pipeline.points()
    assert points.keys() == {"a/1.nef", "a/2.CR2", "a/3.jpg", "b/1.jpg", "b/2.tif", "b/3.dng"}
    assert points["a/3.jpg"]["width"] == points["b/3.dng"]["width"] == 480, "no thumbnail is taken for a RAW"
    assert reasons(pipeline) == {}


def test_verdicts_of_an_older_version_heal_and_what_it_decoded_stays(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "trip", 3)
    shutil.copy(pipeline.root / "trip/a0.jpg", pipeline.root / "trip/1.nef")
    (pipeline.root / "other").mkdir()
    write(pipeline.root / "other", "1.nef", encoded(photograph(120, 80), "JPEG"))
    write(pipeline.root / "other", "bad.jpg", b"no picture")
    pipeline.ingest()
    points = {path: point["sha256"] for path, point in pipeline.points().items()}
    age(pipeline, condemned=points["other/1.nef"])

    assert cost(pipeline) == (2, 0, 0), "what it had rejected, alone"
    assert {path: point["sha256"] for path, point in pipeline.points().items()} == points
    assert reasons(pipeline) == {"other/bad.jpg": Reason.UNKNOWN_FORMAT}
    assert cost(pipeline) == (0, 0, 0)


def age(pipeline: Pipeline, condemned: str) -> None:
    """Let a store be as the version before left it: outcomes by decoder and limits in the cache, one of them wrong."""
    store = Store(pipeline.settings.home)
    older = f"{older_decoder_versions()[0]} 30 s 2147483648 B 200000000 px"
    rejected = {"sha256": condemned, "row": None, "decode_path": None, "decoder": older}
    rejected |= {"reason": "no_image_in_raw", "message": "Unsupported file format or not RAW file"}
    with closing(sqlite3.connect(store.cache_file)) as cache, cache:
        cache.execute("UPDATE content SET producer = ? WHERE producer = ?", (older, decoder_version()))
        value = json.dumps(rejected).encode()
        cache.execute("UPDATE content SET value = ? WHERE producer = ? AND sha256 = ?", (value, older, condemned))
    with closing(sqlite3.connect(store.ledger_file)) as ledger, ledger:
        ledger.execute("UPDATE partition SET recipe = 'of the version before'")
        row = ("other", "other/1.nef", condemned, "no_image_in_raw", "", "", "")
        ledger.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        ledger.execute("DROP TABLE failure")
        ledger.execute("DROP TABLE without_metadata")
        ledger.execute("PRAGMA user_version = 0")


def test_a_limit_that_is_raised_and_lowered_again_takes_nothing_back(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "trip", 3)
    draw_scenes(pipeline.root / "home", 2, seed=1)
    Image.new("RGB", (400, 300), "navy").save(pipeline.root / "trip/big.png")
    write(pipeline.root / "trip", "cut off.jpg", (pipeline.root / "home/a0.jpg").read_bytes()[:500])
    tight = with_limits(pipeline, decode_pixels=60_000)
    assert cost(tight) == (7, 5, 0)
    assert reasons(tight) == {"trip/big.png": Reason.TOO_MANY_PIXELS, "trip/cut off.jpg": Reason.TRUNCATED}

    assert cost(with_limits(tight, decode_pixels=60_000, decode_seconds=60, decode_memory=3 << 30)) == (0, 0, 0)
    assert cost(with_limits(tight, decode_pixels=50_000)) == (0, 0, 0)
    assert cost(pipeline) == (1, 1, 0), "the one file that failed for the limit"
    assert reasons(tight) == {"trip/cut off.jpg": Reason.TRUNCATED}
    for again in (tight, pipeline, with_limits(tight, decode_pixels=1000, decode_seconds=0.1), pipeline):
        assert cost(again) == (0, 0, 0)
        assert len(again.points()) == 6
    payload = pipeline.points()["trip/big.png"]
    assert (payload["width"], payload["height"]) == (400, 300), "its metadata were not to be had before, either"


def test_a_time_limit_tries_again_what_took_too_long_and_nothing_else(pipeline: Pipeline) -> None:
    (pipeline.root / "slow").mkdir()
    write(pipeline.root / "slow", "slow.jpg", endless_jpeg(SLOW_SCANS))
    Image.new("RGB", (4000, 5000)).save(pipeline.root / "slow/big.png")
    hasty = with_limits(pipeline, decode_seconds=0.4, decode_pixels=18_000_000)
    assert cost(hasty) == (2, 0, 0)
    assert reasons(hasty) == {"slow/slow.jpg": Reason.TIMEOUT, "slow/big.png": Reason.TOO_MANY_PIXELS}
    assert cost(with_limits(pipeline, decode_pixels=18_000_000)) == (1, 1, 0)
    assert cost(hasty) == (0, 0, 0)
    assert reasons(hasty) == {"slow/big.png": Reason.TOO_MANY_PIXELS}


def test_what_the_surroundings_can_have_caused_is_tried_again_ever_more_rarely(pipeline: Pipeline) -> None:
    draw_scenes(pipeline.root / "quiet", 1)
    (pipeline.root / "slow").mkdir()
    write(pipeline.root / "slow", "endless.jpg", endless_jpeg())
    write(pipeline.root / "slow", "bad.jpg", b"no picture")
    hasty = with_limits(pipeline, decode_seconds=0.3)
    assert cost(hasty) == (3, 1, 0)
    first = hasty.quarantine()
    assert reasons(hasty) == {"slow/bad.jpg": Reason.UNKNOWN_FORMAT, "slow/endless.jpg": Reason.TIMEOUT}
    keys = []
    with open_instance(Store(hasty.settings.home)) as instance:
        for minutes in (1, 4, 16):
            let_pass(hasty, 60 * minutes - 30)
            assert isinstance(tick(hasty, instance), dg.SkipReason), "not yet"
            let_pass(hasty, 60)
            told = tick(hasty, instance)
            assert ranges(told) == [("slow", "slow")]
            assert isinstance(told, dg.SensorResult)
            keys += [request.run_key for request in told.run_requests or ()]
            assert cost(hasty) == (1, 0, 0)
        assert isinstance(tick(hasty, instance), dg.SkipReason)
        assert ranges(tick(pipeline, instance)) == [("slow", "slow")], "a limit was raised"
    assert len(set(keys)) == 3, "Dagster begins one run for each run key, ever"
    assert hasty.quarantine() == first, "since when they are there, and by which run"


def test_retry_says_what_is_gone_and_what_it_could_not_try(pipeline: Pipeline) -> None:
    for name in ("gone", "split", "shut", "shut too", "whole"):
        (pipeline.root / name).mkdir()
        write(pipeline.root / name, "bad.jpg", f"no picture, {name}".encode())
    write(pipeline.root, "bad.jpg", b"no picture, root")
    pipeline.ingest()
    draw_scenes(pipeline.root / "split", 5)
    shutil.rmtree(pipeline.root / "gone")
    smaller = pipeline.with_settings(settle_seconds=0, partition_size=2)
    for name in ("shut", "shut too"):
        (pipeline.root / name).chmod(0)
    try:
        with unprivileged(), open_ingestion(smaller.settings) as ingestion:
            told = retry(ingestion, ["gone", "split/bad.jpg", "shut", "bad.jpg"], lambda done, total: None)
        given = ["--home", str(pipeline.settings.home), "--models", pipeline.settings.models]
        with unprivileged():
            result = CliRunner().invoke(main, ["retry", *given, "whole"])
    finally:
        for name in ("shut", "shut too"):
            (pipeline.root / name).chmod(0o755)
    outcomes = {file.path: file.outcome.value for file in told}
    assert outcomes == {
        "bad.jpg": "failed",
        "gone/bad.jpg": "gone",
        "shut/bad.jpg": "not_tried",
        "split/bad.jpg": "failed",
    }
    [why] = [file.message for file in told if file.path == "shut/bad.jpg"]
    assert why is not None and "shut cannot be listed" in why and "shut too" not in why
    assert Partition("split", 0, 4).key in Ledger(Store(pipeline.settings.home).ledger_file).entries(), "it was tried"
    assert result.exit_code == 0 and "failed    whole/bad.jpg" in result.stdout, result.output


def test_a_file_whose_decoder_crashed_once_is_indexed_by_a_later_run_and_its_copies_with_it(
    pipeline: Pipeline,
) -> None:
    for name in ("one", "two"):
        (pipeline.root / name).mkdir()
        write(pipeline.root / name, "slow.jpg", endless_jpeg(SLOW_SCANS))
    crash(pipeline, pipeline.root / "one/slow.jpg")
    assert reasons(pipeline) == {"one/slow.jpg": Reason.DECODER_CRASHED, "two/slow.jpg": Reason.DECODER_CRASHED}
    let_pass(pipeline, 61)
    assert pipeline.ingest().embedded == 1
    assert pipeline.points().keys() == {"one/slow.jpg", "two/slow.jpg"}
    assert reasons(pipeline) == {}


def test_the_cache_may_be_deleted_without_haste_for_what_failed(pipeline: Pipeline) -> None:
    (pipeline.root / "slow").mkdir()
    write(pipeline.root / "slow", "endless.jpg", endless_jpeg())
    hasty = with_limits(pipeline, decode_seconds=0.3)
    hasty.ingest()
    shutil.rmtree(Store(hasty.settings.home).cache_file.parent)
    draw_scenes(hasty.root / "slow", 1)
    assert cost(hasty) == (1, 1, 0), "the file that is new"
    assert reasons(hasty) == {"slow/endless.jpg": Reason.TIMEOUT}


def test_retry_tries_at_once_and_says_what_came_of_it(pipeline: Pipeline) -> None:
    (pipeline.root / "slow").mkdir()
    write(pipeline.root / "slow", "slow.jpg", endless_jpeg(SLOW_SCANS))
    write(pipeline.root / "slow", "bad.jpg", b"no picture")
    crash(pipeline, pipeline.root / "slow/slow.jpg")
    draw_scenes(pipeline.root / "new", 1)
    given = ["--home", str(pipeline.settings.home), "--models", pipeline.settings.models]

    def retry(*paths: str) -> list[dict[str, str | None]]:
        done = CliRunner().invoke(main, ["retry", "--json", *given, *paths])
        assert done.exit_code == 0, done.output
        told: list[dict[str, str | None]] = json.loads(done.stdout.splitlines()[-1])
        return told

    assert retry() == [{"path": "slow/slow.jpg", "outcome": "indexed", "reason": None, "message": None}]
    assert pipeline.points().keys() == {"slow/slow.jpg"}, "nothing else of the library"
    [bad] = pipeline.quarantine()
    for path in ("slow/bad.jpg", str(pipeline.root / "slow")):
        assert retry(path) == [{"path": bad.path, "outcome": "failed", "reason": bad.reason, "message": bad.message}]
    assert decoded(pipeline) == 1, "it was really tried"
    assert pipeline.quarantine() == [bad], "it is there since its first failure"
    refused = CliRunner().invoke(main, ["retry", *given, "new"])
    assert refused.exit_code == 1 and "Nothing at new is in quarantine" in refused.stderr
    (pipeline.root / "slow/bad.jpg").unlink()
    assert [file["outcome"] for file in retry("slow/bad.jpg")] == ["gone"]
    done = CliRunner().invoke(main, ["retry", *given])
    nothing = "There is nothing to retry; give a PATH to retry files there that failed for any other reason."
    assert (done.exit_code, done.stdout) == (0, f"{nothing}\n")


def test_metadata_that_took_too_long_are_told_of_and_read_again(pipeline: Pipeline) -> None:
    (pipeline.root / "trip").mkdir()
    wordy = b"".join(b"\x1c\x02\x19\x00\x04%04d" % (number % 5000) for number in range(400_000))
    described = encoded(photograph(120, 80), "TIFF", tiffinfo={271: "Testmaker", 33723: wordy})
    write(pipeline.root / "trip", "wordy.tif", described)
    draw_scenes(pipeline.root / "trip", 1)
    hasty = with_limits(pipeline, decode_seconds=0.4)

    assert cost(hasty) == (2, 2, 0)
    assert reasons(hasty) == {}
    assert "camera_make" not in hasty.points()["trip/wordy.tif"]
    assert without_metadata(hasty) == ("trip/wordy.tif",)
    assert cost(hasty) == (0, 0, 0)

    assert cost(pipeline) == (0, 0, 0), "the limit was raised, and nothing is decoded anew"
    assert without_metadata(pipeline) == ()
    assert pipeline.points()["trip/wordy.tif"]["camera_make"] == "Testmaker"
    assert cost(hasty) == (0, 0, 0)
    assert hasty.points()["trip/wordy.tif"]["camera_make"] == "Testmaker"


def without_metadata(pipeline: Pipeline) -> tuple[str, ...]:
    """The files without metadata that `verify` tells of, which is no disagreement."""
    with open_ingestion(pipeline.settings) as ingestion:
        verification = ingestion.verifier.verify()
    assert verification.ok
    return verification.without_metadata
