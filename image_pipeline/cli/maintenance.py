"""The commands that check and repair the collection: verify, repair."""

import dataclasses
import sys
from typing import Any

import click

from image_pipeline.cli.options import FAILED, errors_for_people, shared_options
from image_pipeline.settings import load_settings
from image_pipeline.terminal import counted, echo, echo_json

_REMEDY = "`image-pipeline repair` fixes this; files that are being ingested right now need no repair."

_MEANINGS = {
    "missing": "no point",
    "orphaned": "no file",
    "stale": "different content, or made by a different version",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@shared_options
@errors_for_people
def verify(as_json: bool, **given: Any) -> None:
    """Read every file and every point, and report where disk, store and collection disagree.

    The exit code is 0 if they agree, and 1 if not. Files that are being ingested meanwhile may be reported as well.

    The keys of the JSON object: ok (true or false), and lists of paths: missing (files without a point), orphaned
    (points or quarantine entries without a readable file), stale (points whose content differs from their file, or
    that were made by other models or a different version), and two that are not disagreements: quarantined (files in
    quarantine) and without_metadata (points whose metadata could not be read yet). damaged is a list of collections
    that the embedded Qdrant cannot read; their points were not compared.
    """
    from image_pipeline.cli.runs import verify_with_progress

    verification = verify_with_progress(load_settings(**given))
    paths = verification.paths
    if as_json:
        echo_json({"ok": verification.ok, **paths, "damaged": list(verification.damaged)})
    else:
        for name, reason in verification.damaged.items():
            echo(f"damaged   {name}  ({reason})")
        for kind, meaning in _MEANINGS.items():
            for path in paths[kind]:
                echo(f"{kind:<9} {path}  ({meaning})")
        counts = ", ".join(f"{len(paths[kind])} {kind}" for kind in _MEANINGS)
        echo(f"{counts}; {counted(len(paths['quarantined']), 'file')} in quarantine.")
        for path in paths["without_metadata"]:
            echo(f"{path} has no metadata, because they could not be read: `image-pipeline retry` tries again.")
        echo("Disk, store and collection agree." if verification.ok else _REMEDY)
    if not verification.ok:
        sys.exit(FAILED)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout.")
@click.option("--allow-deletions", is_flag=True, help="Proceed even if a large share of the library has disappeared.")
@shared_options
@errors_for_people
def repair(as_json: bool, allow_deletions: bool, **given: Any) -> None:
    """Verify, then ingest the affected directories again, and delete points that have no file.

    Images that already went through a model do not go through it again.

    The keys of the JSON object: missing, orphaned, stale, damaged (the numbers found), partitions (ingested again),
    deleted (points), embedded, captioned, seconds.
    """
    from image_pipeline.cli.runs import repair_with_progress

    done = repair_with_progress(load_settings(**given), allow_deletions)
    if as_json:
        echo_json(dataclasses.asdict(done))
        return
    if done.damaged:
        echo(f"{counted(done.damaged, 'damaged collection')} made again.")
    echo(
        f"{done.missing} missing, {done.orphaned} orphaned, {done.stale} stale. "
        f"{counted(done.partitions, 'partition')} ingested again, {counted(done.deleted, 'point')} deleted, "
        f"{counted(done.embedded, 'image')} embedded, {done.captioned} captioned, in {done.seconds:.1f} s."
    )
