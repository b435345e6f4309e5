"""The retry command: tries failed files again."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from image_pipeline.cli.options import errors_for_people, shared_options
from image_pipeline.cli.paths import names_of
from image_pipeline.errors import LibraryError
from image_pipeline.files.names import to_text
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import load_settings
from image_pipeline.storage.ledger import Ledger
from image_pipeline.terminal import counted, echo, echo_json

_NOTHING = "There is nothing to retry; give a PATH to retry files there that failed for any other reason."


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@shared_options
@errors_for_people
def retry(paths: tuple[Path, ...], as_json: bool, **given: Any) -> None:
    """Immediately retry files that are in quarantine or whose metadata could not be read.

    A PATH is a file or directory of the library; all files there that failed are retried. Without PATH, the files that
    failed for a temporary reason are retried: unreadable, timeout, out_of_memory, decoder_crashed. Later runs also
    retry these automatically: unreadable files every time, the others at growing intervals.

    The keys of each object in the JSON list: path, outcome (indexed, failed, gone, not_tried), reason, message.
    """
    settings = load_settings(**given)
    ledger = Wiring(settings).ledger
    library = settings.library or ledger.library()
    chosen = [name for path in paths for name in _below(path, library, ledger)]
    from image_pipeline.cli.runs import retry_with_progress

    retried = retry_with_progress(settings, chosen)
    if as_json:
        echo_json([dataclasses.asdict(file) for file in retried])
        return
    for file in retried:
        why = f"  ({': '.join(filter(None, (file.reason, file.message)))})" if file.message else ""
        echo(f"{file.outcome:<9} {file.path}{why}")
    echo(f"{counted(len(retried), 'file')} to retry: {_counts(retried)}." if retried else _NOTHING)


def _counts(retried: Iterable[Any]) -> str:
    outcomes = [str(file.outcome) for file in retried]
    return ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes))


def _below(path: Path, library: Path | None, ledger: Ledger) -> Iterator[str]:
    """The possible names of `path` in the store, without those at or below which no file failed.

    Raises LibraryError if none is left.
    """
    failed = [file.path for file in ledger.quarantine()] + [file.path for file in ledger.without_metadata()]
    names = ["" if name == "." else name for name in names_of(path, library)]
    found = [name for name in names if any(name in ("", one) or one.startswith(f"{name}/") for one in failed)]
    if not found:
        raise LibraryError(
            f"Nothing at {to_text(str(path))} is in quarantine: give a path that `image-pipeline quarantine` prints, "
            "or a directory above it."
        )
    yield from found
