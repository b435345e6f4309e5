"""The commands that look whether all is well, and mend what is not: verify, repair, history."""

import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from image_pipeline.cli.options import FAILED, errors_for_people, shared_options
from image_pipeline.errors import LibraryError
from image_pipeline.files.names import to_text
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import load_settings
from image_pipeline.terminal import counted, echo, echo_json, unescaped

_REMEDY = "`image-pipeline repair` mends this; what is being ingested just now mends itself."

_MEANINGS = {
    "missing": "no point",
    "orphaned": "no file",
    "stale": "another content, or made by another version",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options
@errors_for_people
def verify(as_json: bool, **given: Any) -> None:
    """Read every file and every point, and tell where disk, store and collection disagree.

    Ends with 0 where they agree, 1 where they do not. Files that are ingested meanwhile may be reported as wrong.

    The keys of the JSON object: ok (true or false), and lists of paths: missing (files without a point), orphaned
    (points, or entries of the quarantine, without a readable file), stale (points with another content than their
    file, or made by other models or another version), and, which is no disagreement, quarantined (files in
    quarantine) and without_metadata (points whose date, place and camera could not be read, and are tried again).
    """
    from image_pipeline.cli.runs import verify_with_progress

    verification = verify_with_progress(load_settings(**given))
    paths = verification.paths
    if as_json:
        echo_json({"ok": verification.ok, **paths})
    else:
        for kind, meaning in _MEANINGS.items():
            for path in paths[kind]:
                echo(f"{kind:<9} {path}  ({meaning})")
        counts = ", ".join(f"{len(paths[kind])} {kind}" for kind in _MEANINGS)
        echo(f"{counts}; {counted(len(paths['quarantined']), 'file')} in quarantine.")
        for path in paths["without_metadata"]:
            echo(f"{path} has no metadata yet, since they could not be read: `image-pipeline retry` tries again.")
        echo("Disk, store and collection agree." if verification.ok else _REMEDY)
    if not verification.ok:
        sys.exit(FAILED)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout.")
@click.option("--allow-deletions", is_flag=True, help="Also where a large share of the library has vanished.")
@shared_options
@errors_for_people
def repair(as_json: bool, allow_deletions: bool, **given: Any) -> None:
    """Verify, and mend what is found: ingest the directories concerned again, delete the points that have no file.

    No image goes through a model that went through it before.

    The keys of the JSON object: missing, orphaned, stale (how many were found), partitions (ingested again), deleted
    (points), embedded, captioned, seconds.
    """
    from image_pipeline.cli.runs import repair_with_progress

    done = repair_with_progress(load_settings(**given), allow_deletions)
    if as_json:
        echo_json(dataclasses.asdict(done))
        return
    echo(
        f"{done.missing} missing, {done.orphaned} orphaned, {done.stale} stale. {done.partitions} partitions were "
        f"ingested again, {done.deleted} points deleted, {done.embedded} images embedded, {done.captioned} captioned, "
        f"in {done.seconds:.1f} s."
    )


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def history(path: Path, as_json: bool, **given: Any) -> None:
    """Tell what happened to the file PATH (in the library, or relative to it), oldest first.

    A file keeps its last 20 events, a deleted one for 90 days.

    The keys of each object in the JSON list: path, at, run_id, event (indexed, replaced, moved to another partition,
    quarantined, released from quarantine, deleted), partition, sha256, reason, message.
    """
    settings = load_settings(**given)
    ledger = Wiring(settings).ledger
    names = names_of(path, settings.library or ledger.library())
    events = next((found for name in names if (found := ledger.history(name))), [])
    if not events:
        raise LibraryError(
            f"Nothing is known of {to_text(str(path))}: give the path of a file that was ingested, as `image-pipeline "
            "search` and `quarantine` print it."
        )
    if as_json:
        report = [
            {"partition" if k == "partition_key" else k: v for k, v in dataclasses.asdict(e).items()} for e in events
        ]
        echo_json(report)
        return
    for event in events:
        why = f"  {event.reason}: {event.message}" if event.reason else ""
        echo(f"{event.at}  {event.event:<11}  {(event.sha256 or '-')[:12]:<12}  run {event.run_id}{why}")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def names_of(path: Path, root: Path | None) -> Iterator[str]:
    """What the store may call a file or directory: as it was printed, relative to the library, or as it is on disk."""
    yield from filter(_is_text, (str(path), unescaped(str(path))))
    yield to_text(os.path.normpath(path))
    lies = Path(os.path.normpath(path.absolute()))
    for library in () if root is None else (root, root.resolve()):
        if lies.is_relative_to(library):
            yield to_text(str(lies.relative_to(library)))
