"""The history command: what happened to a file."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from image_pipeline.cli.options import errors_for_people, shared_options
from image_pipeline.cli.paths import names_of
from image_pipeline.errors import LibraryError
from image_pipeline.files.names import to_text
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import load_settings
from image_pipeline.storage.history import FileEvent
from image_pipeline.terminal import echo, echo_json


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def history(path: Path, as_json: bool, **given: Any) -> None:
    """Show what happened to the file PATH (in the library, or relative to it), oldest first.

    The last 20 events of a file are kept; those of a deleted file are kept for 90 days.

    The keys of each object in the JSON list: path, at, run_id, event (indexed, replaced, moved to a different
    partition, quarantined, released from quarantine, deleted), partition, sha256, reason, message.
    """
    settings = load_settings(**given)
    ledger = Wiring(settings).ledger
    names = names_of(path, settings.library or ledger.library())
    events = next((found for name in names if (found := ledger.history(name))), [])
    if not events:
        raise LibraryError(
            f"The store has no record of {to_text(str(path))}: give the path of an ingested file as `image-pipeline "
            "search` or `image-pipeline quarantine` prints it."
        )
    if as_json:
        echo_json([event_object(event) for event in events])
        return
    for event in events:
        echo(event_line(event))


def event_object(event: FileEvent) -> dict[str, Any]:
    """An event as an object of the JSON that the commands print."""
    values = dataclasses.asdict(event)
    return {"partition" if name == "partition_key" else name: value for name, value in values.items()}


def event_line(event: FileEvent) -> str:
    """An event as a line for people."""
    why = f"  {event.reason}: {event.message}" if event.reason else ""
    return f"{event.at}  {event.event:<11}  {(event.sha256 or '-')[:12]:<12}  run {event.run_id}{why}"
