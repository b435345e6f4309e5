"""The show command: everything that is known of one file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from image_pipeline.cli.history import event_line, event_object
from image_pipeline.cli.options import errors_for_people, shared_options
from image_pipeline.cli.paths import names_of
from image_pipeline.cli.payload_text import payload_groups
from image_pipeline.files.names import to_text
from image_pipeline.schema.payload import PAYLOAD
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import load_settings
from image_pipeline.storage.history import Event
from image_pipeline.terminal import echo, echo_json

if TYPE_CHECKING:
    from image_pipeline.services.file_record import FileRecord

_EVENTS = 20
_COPIES = 20
_NAME_WIDTH = 20


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options
@errors_for_people
def show(path: Path, as_json: bool, **given: Any) -> None:
    """Show everything that is known of the file PATH.

    PATH is as `search` prints it (relative to the library), absolute, or relative to the current directory. No model is
    loaded. The exit code is 1 if nothing is known of the file, and 2 if PATH is outside the library.

    The keys of the JSON object: the names of all payload fields (docs/payload.md), and thumbnail (an absolute path),
    quarantine (reason, message, since, run_id), copies (identical: files with the same bytes; same_pixels: files with
    the same picture and other bytes), history (as `image-pipeline history` prints it); null if there is nothing.
    """
    wiring = Wiring(load_settings(**given))
    library = wiring.settings.library or wiring.ledger.library()
    names = list(names_of(path, library))
    from image_pipeline.services.file_record import read_record

    record = read_record(wiring, names)
    if record is None:
        from image_pipeline.services.unknown_path import explain_unknown

        raise explain_unknown(path, names, library)
    if as_json:
        echo_json(_object(record))
        return
    for line in _lines(record):
        echo(line)


def _object(record: "FileRecord") -> dict[str, Any]:
    found: dict[str, Any] = {**dict.fromkeys(field.name for field in PAYLOAD), **_payload(record)}
    entry = record.quarantine
    kept = ("reason", "message", "since", "run_id")
    copies = {"identical": list(record.identical), "same_pixels": list(record.same_pixels)}
    found["thumbnail"] = None if record.thumbnail is None else to_text(str(record.thumbnail))
    found["quarantine"] = None if entry is None else {key: getattr(entry, key) for key in kept}
    found["copies"] = copies if any(copies.values()) else None
    found["history"] = [event_object(event) for event in record.history[-_EVENTS:]] or None
    return found


def _payload(record: "FileRecord") -> dict[str, Any]:
    """The payload of a file; of one in quarantine, which has none, the fields that are known nevertheless."""
    if record.payload is not None:
        return {**record.payload, "path": record.path}
    entry = record.quarantine
    known = {} if entry is None else {"sha256": entry.sha256, "partition": entry.partition_key}
    return {"path": record.path, **known}


def _lines(record: "FileRecord") -> Iterator[str]:
    yield record.path
    for note in _notes(record):
        yield f"  {note}"
    groups = {"picture": [], **payload_groups(_payload(record))}
    if record.thumbnail is not None:
        groups["picture"].append(("thumbnail", to_text(str(record.thumbnail))))
    groups["copies"] = [
        *_copies("identical", record.identical),
        *_copies("same picture", record.same_pixels),
    ]
    for title, lines in groups.items():
        if lines:
            yield ""
            yield title
        for name, value in lines:
            yield f"  {name:<{_NAME_WIDTH}}{value}"
    if record.history:
        yield ""
        yield "history"
        yield from (f"  {event_line(event)}" for event in record.history[-_EVENTS:])


def _notes(record: "FileRecord") -> Iterator[str]:
    entry = record.quarantine
    if entry is not None:
        yield f"in quarantine since {entry.since}: {entry.reason}: {entry.message}"
    elif record.payload is None and record.history[-1].event is Event.DELETED:
        yield f"deleted from the library; this was noticed at {record.history[-1].at}"
    elif record.payload is None:
        yield "it has no point in the collection: run `image-pipeline repair`"
    if not record.has_metadata:
        yield "its metadata could not be read: `image-pipeline retry` tries again"


def _copies(name: str, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, path in enumerate(paths[:_COPIES]):
        yield "" if number else name, path
    if len(paths) > _COPIES:
        yield "", f"and {len(paths) - _COPIES:,} more"
