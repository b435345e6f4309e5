"""The command line, `image-pipeline …`. Heavy modules are imported only by the commands that need them."""

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from image_pipeline.cli.history import history
from image_pipeline.cli.maintenance import repair, verify
from image_pipeline.cli.options import FOLDER, NEW_FOLDER, Commands, errors_for_people, shared_options
from image_pipeline.cli.report import report
from image_pipeline.cli.retry import retry
from image_pipeline.cli.search import facets, search
from image_pipeline.cli.serve import hash_password, serve_metrics, serve_models, serve_page, serve_search
from image_pipeline.cli.show import show
from image_pipeline.cli.stores import adopt, forget, hint_at_scattered_store, rescue
from image_pipeline.notices import show_notices
from image_pipeline.patches import collect_garbage_rarely, run_without_finalization
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings, load_settings
from image_pipeline.signals import catch_signals, ignore_further_signals, interrupted_exit_code
from image_pipeline.storage.private_files import default_permissions, keep_private
from image_pipeline.terminal import counted, echo, echo_json

if TYPE_CHECKING:
    from image_pipeline.collection.address import QdrantAddress
    from image_pipeline.orchestration.ingest import Summary
    from image_pipeline.storage.ledger import DamagedFile


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="image-pipeline")
@click.pass_context
def main(context: click.Context) -> None:
    """Turn a folder of photographs into a searchable Qdrant collection.

    An option with an environment variable in brackets can also be set by that variable.
    """
    collect_garbage_rarely()
    show_notices()
    catch_signals()
    keep_private()
    if context.invoked_subcommand != rescue.name:
        hint_at_scattered_store()


for command in (search, facets, show, report, verify, repair, retry, history, adopt, forget, rescue):
    main.add_command(command)
for command in (serve_search, hash_password, serve_models, serve_page, serve_metrics):
    main.add_command(command)


@main.command()
@click.argument("directory", required=False, type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout.")
@click.option("--allow-deletions", is_flag=True, help="Proceed even if a large share of the library has disappeared.")
@shared_options
@errors_for_people
def ingest(directory: Path | None, as_json: bool, allow_deletions: bool, **given: Any) -> None:
    """Bring the collection up to date with the library in DIRECTORY (or IMAGE_LIBRARY).

    The exit code is 0 if every file is a point or in quarantine, 1 if a stage failed or a directory cannot be listed
    (the summary of the other directories is still printed), and 2 for wrong usage.

    The keys of the JSON object: directories, files, indexed, quarantined, unchanged, embedded, captioned, deleted,
    seconds. embedded and captioned count only the images that went through a model.
    """
    settings = _settings(library=directory, **given)
    from image_pipeline.cli.runs import ingest_with_progress
    from image_pipeline.orchestration.ingest import PartlyIngestedError

    try:
        _show_summary(ingest_with_progress(settings, allow_deletions), as_json)
    except PartlyIngestedError as error:
        _show_summary(error.summary, as_json)
        raise


def _show_summary(summary: "Summary", as_json: bool) -> None:
    if as_json:
        echo_json(dataclasses.asdict(summary))
        return
    echo(
        f"{counted(summary.files, 'file')} in {counted(summary.directories, 'directory', 'directories')}: "
        f"{summary.indexed} indexed, "
        f"{summary.quarantined} in quarantine. {summary.unchanged} up to date, {summary.embedded} embedded, "
        f"{summary.captioned} captioned, {summary.deleted} deleted, in {summary.seconds:.1f} s."
    )
    if summary.quarantined:
        echo("`image-pipeline quarantine` lists the reasons.")
    if not summary.files:
        echo("The library contains no pictures: is it the right folder? `image-pipeline adopt FOLDER` changes it.")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options
@errors_for_people
def status(as_json: bool, **given: Any) -> None:
    """Report what was ingested and with which models, what is waiting, and how much disk space is used.

    The library and the store are examined for up to two seconds each. For very large ones, the figures are lower
    bounds.

    The keys of the JSON object: library, collection, points, directories, quarantined, models (the producers of the
    embeddings), qdrant, store, embedder and dtype (of the collection that is searched), next_embedder (null unless the
    settings name a different one), captioner (null if captions are off), waiting (new, changed and gone directories,
    files in them, directories examined, is_whole; null if the library cannot be read, as library_error explains), size
    (of each part, in bytes; is_whole), last_run (run_id, job, status, began, seconds, error; null before the first).
    """
    settings = _settings(**given)
    wiring = Wiring(settings)
    store, ledger = wiring.store, wiring.ledger
    library = settings.library or ledger.library()
    if not as_json:
        echo(f"library      {library or 'none yet'}")
    from image_pipeline.orchestration.last_run import last_run
    from image_pipeline.services.status import read_status

    address = _address(settings)
    report = read_status(settings, library, ledger, address, last_run(store))
    if as_json:
        echo_json(dataclasses.asdict(report))
        return
    for name, value in report.lines():
        echo(f"{name:<12} {value}")
    advice = address.traits.advice(report.points)
    if advice:
        echo(advice)


@main.command()
@click.option("--damaged", is_flag=True, help="List the files that are indexed although part of them is missing.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def quarantine(damaged: bool, as_json: bool, **given: Any) -> None:
    """List the files that could not be read, each with the reason.

    The keys of each object in the JSON list: path, reason, message, sha256, run_id, since; with --damaged: path,
    damaged, sha256.
    """
    settings = _settings(**given)
    ledger = Wiring(settings).ledger
    if damaged:
        _list_damaged(ledger.damaged(), as_json)
        return
    files = ledger.quarantine()
    if as_json:
        keys = ("path", "reason", "message", "sha256", "run_id", "since")
        echo_json([{key: getattr(file, key) for key in keys} for file in files])
        return
    for file in files:
        echo(f"{file.reason:<16} {file.path}")
        echo(f"                 {file.message}")
    are = "is" if len(files) == 1 else "are"
    echo(
        f"{counted(len(files), 'file')} {are} in quarantine. "
        "A file is retried if it changes, or by `image-pipeline retry PATH`."
    )


def _list_damaged(files: Sequence["DamagedFile"], as_json: bool) -> None:
    if as_json:
        echo_json([{key: getattr(file, key) for key in ("path", "damaged", "sha256")} for file in files])
        return
    for file in files:
        echo(file.path)
        echo(f"                 {file.damaged}")
    are = "is" if len(files) == 1 else "are"
    echo(
        f"{counted(len(files), 'file')} {are} indexed although damaged. "
        "With IMAGE_PIPELINE_DAMAGED=quarantine, such files are left out."
    )


@main.command()
@click.argument("directory", required=False, type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def scan(directory: Path | None, as_json: bool, **given: Any) -> None:
    """Register the directories of the library as partitions, and print their keys.

    The keys of each object in the JSON list: partition, files, state (new, changed, ingested, gone, unlisted).
    """
    settings = _settings(library=directory, **given)
    from image_pipeline.cli.runs import scan_library

    states = scan_library(settings).states
    if as_json:
        entries = [{"partition": s.key, "files": s.files, "state": str(s.state)} for s in states]
        echo_json(entries)
        return
    for state in states:
        echo(f"{state.state:<9} {state.files:>6}  {state.key}")


@main.command()
@click.option(
    "--port",
    default=3000,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Port of the page, which only this machine can reach.",
)
@shared_options
@errors_for_people
def dev(port: int, **given: Any) -> None:
    """Serve Dagster's page for the library, and run the daemon of the sensor."""
    settings = _settings(**given)
    from image_pipeline.page.dev import open_page

    try:
        open_page(settings, port)
    except KeyboardInterrupt:  # the only way to end it
        ignore_further_signals()
        sys.exit(interrupted_exit_code())


@main.command()
@click.argument("directory", type=NEW_FOLDER)
@errors_for_people
def demo_library(directory: Path) -> None:
    """Draw the demo library, about 300 scenes in a dozen directories, in DIRECTORY."""
    from image_pipeline.demo.library import make_library

    with default_permissions():
        library = make_library(directory)
    echo(f"{len(library.captions)} scenes were drawn in {directory}.")


def _settings(**given: Any) -> Settings:
    return load_settings(**given)


def _address(settings: Settings) -> "QdrantAddress":
    return Wiring(settings).address


def run() -> None:
    """The program `image-pipeline`: `main`, in a process that ends with it."""
    run_without_finalization(main)
