"""The command line: `image-pipeline …`. What is heavy is imported by the command that needs it."""

import atexit
import dataclasses
import gc
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from image_pipeline.options import errors_for_people, shared_options
from image_pipeline.retry_command import retry
from image_pipeline.settings import LogFormat, Settings, load_settings
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.store import Store
from image_pipeline.upkeep import history, repair, verify

if TYPE_CHECKING:
    from image_pipeline.storage.connection import QdrantAddress


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="image-pipeline")
def main() -> None:
    """Turns a folder of photographs into a Qdrant collection that can be searched.

    Every option can also be set by the environment variable that stands behind it.
    """
    # The imports make some 700,000 objects and no garbage; looking for it every 700 took a second of a run.
    gc.set_threshold(20_000)
    atexit.register(_end_soon)


def _end_soon() -> None:
    """Let Python end without its last searches for garbage: the system takes back everything at once.

    They take 0.4 s of a command. Where torch was imported only the first is left out, of 0.3 to 0.9 s: a library of
    torch's reports, on stderr, what the last one would have collected.
    """
    if "torch" in sys.modules:
        gc.disable()
    else:
        gc.freeze()


for command in (verify, repair, retry, history):
    main.add_command(command)


@main.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout.")
@click.option("--allow-deletions", is_flag=True, help="Also where a large share of the library has vanished.")
@shared_options
@errors_for_people
def ingest(directory: Path | None, as_json: bool, allow_deletions: bool, **given: Any) -> None:
    """Bring the collection up to date with the library in DIRECTORY (or IMAGE_LIBRARY).

    Ends with 0 where every file is a point or in quarantine, 1 where a stage failed, 2 for wrong usage.

    The keys of the JSON object: directories, files, indexed, quarantined, unchanged, embedded, captioned, deleted,
    seconds. embedded and captioned count the images that really went through a model.
    """
    settings = _settings(library=directory, **given)
    from image_pipeline.console import ingest_with_progress

    summary = ingest_with_progress(settings, allow_deletions)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(summary)))
        return
    click.echo(
        f"{summary.files} files in {summary.directories} directories: {summary.indexed} indexed, "
        f"{summary.quarantined} in quarantine. {summary.unchanged} were up to date, {summary.embedded} embedded, "
        f"{summary.captioned} captioned, {summary.deleted} deleted, in {summary.seconds:.1f} s."
    )
    if summary.quarantined:
        click.echo("`image-pipeline quarantine` tells why.")


@main.command()
@click.argument("text", required=False)
@click.option("--image", type=click.Path(path_type=Path), help="Search by this picture instead of TEXT.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many photographs.")
@click.option("--near", metavar="LAT,LON,KM", help="Only photographs taken within KM km of a place.")
@click.option("--after", metavar="DATE", help="Only photographs taken on or after this date (2024-05-01).")
@click.option("--before", metavar="DATE", help="Only photographs taken before this date.")
@click.option("--camera", metavar="MODEL", help="Only photographs of this camera model.")
@click.option("--words", metavar="WORDS", help="Only photographs with all of these words in their caption.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def search(
    text: str | None,
    image: Path | None,
    limit: int,
    near: str | None,
    after: str | None,
    before: str | None,
    camera: str | None,
    words: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Find the photographs nearest to TEXT, best first. Copies of one photograph count once.

    The keys of each object in the JSON list: path, score (cosine), caption, sha256, copies (other files with the same
    content).
    """
    if (text is None) == (image is None):
        raise click.UsageError("Give either TEXT or --image FILE.")
    settings = _settings(**given)
    narrowing = _narrowing(near, after, before, camera, words)
    from image_pipeline.search import Search

    with Search(settings, _address(settings)) as searching:
        if image is not None:
            hits = searching.by_picture(image, limit, narrowing)
        else:
            hits = searching.by_words(text or "", limit, narrowing)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(hit) for hit in hits], ensure_ascii=False))
        return
    for hit in hits:
        copies = f"  (+{len(hit.copies)} copies)" if hit.copies else ""
        click.echo(f"{hit.score:.3f}  {hit.path}{copies}\n       {hit.caption}")
    if not hits:
        click.echo("Nothing was found.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options
@errors_for_people
def status(as_json: bool, **given: Any) -> None:
    """Tell what was ingested, and with what.

    The keys of the JSON object: library, collection, points, directories, quarantined, models, qdrant.
    """
    settings = _settings(**given)
    store = Store(settings.home)
    store.prepare()
    ledger = Ledger(store.ledger_file)
    library = settings.library or ledger.library()
    if not as_json:
        click.echo(f"library      {library or 'none yet'}")
    from image_pipeline.status import read_status

    told = read_status(settings, library, ledger, _address(settings))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(told), ensure_ascii=False))
        return
    for name, value in list(dataclasses.asdict(told).items())[1:]:
        click.echo(f"{name:<12} {value}")
    if told.advice:
        click.echo(told.advice)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def quarantine(as_json: bool, **given: Any) -> None:
    """List the files that could not be read, each with the reason.

    The keys of each object in the JSON list: path, reason, message; and sha256, run_id, since.
    """
    settings = _settings(**given)
    store = Store(settings.home)
    store.prepare()
    files = Ledger(store.ledger_file).quarantine()
    if as_json:
        keys = ("path", "reason", "message", "sha256", "run_id", "since")
        click.echo(json.dumps([{key: getattr(file, key) for key in keys} for file in files], ensure_ascii=False))
        return
    for file in files:
        click.echo(f"{file.reason:<16} {file.path}\n                 {file.message}")
    click.echo(f"{len(files)} files are in quarantine. Each is tried again when it changes; `retry` does it at once.")


@main.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def scan(directory: Path | None, as_json: bool, **given: Any) -> None:
    """Register the directories of the library as partitions, and print their keys.

    The keys of each object in the JSON list: partition, files, state (new, changed, ingested, gone, unlisted).
    """
    settings = _settings(library=directory, **given)
    from image_pipeline.console import scan_library

    states = scan_library(settings).states
    if as_json:
        told = [{"partition": s.key, "files": s.files, "state": str(s.state)} for s in states]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for state in states:
        click.echo(f"{state.state:<9} {state.files:>6}  {state.key}")


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
@shared_options
@errors_for_people
def adopt(directory: Path, **given: Any) -> None:
    """Tell the store that its library has moved to DIRECTORY."""
    settings = _settings(library=directory, **given)
    from image_pipeline.files.discovery import check_library

    assert settings.library is not None
    check_library(settings.library)
    store = Store(settings.home)
    store.prepare()
    Ledger(store.ledger_file).set_library(settings.library)
    click.echo(f"The store {settings.home} belongs to {settings.library} now.")


@main.command()
@click.option(
    "--port",
    default=3000,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port of the page, on this machine only.",
)
@shared_options
@errors_for_people
def dev(port: int, **given: Any) -> None:
    """Open the Dagster page of the library, with the sensor's daemon."""
    settings = _settings(**given)
    from image_pipeline.console import export_settings
    from image_pipeline.instance import open_instance

    open_instance(Store(settings.home)).dispose()
    export_settings(settings)
    program = str(Path(sys.executable).with_name("dagster"))
    command = [program, "dev", "-m", "image_pipeline.definitions", "--host", "127.0.0.1", "--port", str(port)]
    if settings.log_format is LogFormat.JSON:
        command += ["--log-format", "json"]
    os.execv(program, command)


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
@errors_for_people
def demo_library(directory: Path) -> None:
    """Draw the demo library, some 300 scenes in a dozen directories, in DIRECTORY."""
    from image_pipeline.demo.library import make_library

    library = make_library(directory)
    click.echo(f"{len(library.captions)} scenes were drawn in {directory}.")


def _settings(**given: Any) -> Settings:
    return load_settings(**given)


def _address(settings: Settings) -> "QdrantAddress":
    from image_pipeline.storage.connection import address_of

    return address_of(settings)


def _narrowing(near: str | None, after: str | None, before: str | None, camera: str | None, words: str | None) -> Any:
    from image_pipeline.storage.search import Narrowing, Near

    place = None
    if near is not None:
        try:
            latitude, longitude, kilometres = (float(part) for part in near.split(","))
        except ValueError as error:
            raise click.BadParameter("give LAT,LON,KM, such as 52.52,13.40,5", param_hint="--near") from error
        place = Near(latitude, longitude, kilometres)
    return Narrowing(place, _date(after, "--after"), _date(before, "--before"), camera, words)


def _date(text: str | None, name: str) -> Any:
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter("give a date as 2024-05-01 or 2024-05-01T18:30", param_hint=name) from error
    return date if date.tzinfo else date.replace(tzinfo=UTC)
