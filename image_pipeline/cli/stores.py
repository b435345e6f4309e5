"""The commands for a whole store: adopt, rescue, forget."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from image_pipeline.cli.options import FOLDER, errors_for_people, print_notice, shared_options
from image_pipeline.errors import SettingsError, StoreError
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import load_settings
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.legacy_store import gather, strewn_files, strewn_store
from image_pipeline.storage.location import check_place
from image_pipeline.storage.mark import read_mark
from image_pipeline.storage.own_files import Contents, contents, is_unmarked_store
from image_pipeline.storage.store import Store
from image_pipeline.terminal import counted, echo

if TYPE_CHECKING:
    from image_pipeline.collection.address import QdrantAddress

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))


@click.command()
@click.argument("directory", type=FOLDER)
@click.option("--allow-deletions", is_flag=True, help="Proceed even if a large share of the library is missing.")
@shared_options
@errors_for_people
def adopt(directory: Path, allow_deletions: bool, **given: Any) -> None:
    """Tell the store that its library has moved to DIRECTORY, which must hold the files that the store knows."""
    settings = load_settings(library=directory, **given)
    from image_pipeline.storage.library_binding import check_holds, settle

    ledger = Wiring(settings).ledger
    assert settings.library is not None
    check_holds(settings.library, ledger, settings.deletion_share, allow_deletions)
    settle(settings.library, ledger)
    echo(f"The store {settings.home} now belongs to {settings.library}.")


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
@errors_for_people
def rescue(yes: bool, **given: Any) -> None:
    """Move a store that an earlier version scattered over your home folder to a separate folder.

    Lists the files first, and asks before it moves them. Your own files in the same folders stay where they are.
    """
    target = Store(load_settings(**given).home)
    home = strewn_store()
    if home is None:
        echo("There is no store directly in your home folder: there is nothing to move.")
        return
    check_place(target.home)
    files = strewn_files(home)
    echo(f"An earlier version left its store directly in {home}. Files to be moved to {target.home}:")
    for name, count in files.items():
        echo(f"  {home / name}" + (f"  ({count} files)" if count > 1 else ""))
    _ask("Move them?", yes)
    echo(f"Moved {counted(gather(home, target), 'file')} to {target.home}.")


def hint_at_scattered_store() -> None:
    """Print a notice if a store is scattered over the user's home folder."""
    home = strewn_store()
    if home is None:
        return
    print_notice(
        f"An earlier version left its store directly in {home}, where this version does not look for it: "
        "`image-pipeline rescue` lists those files and moves them to a separate folder."
    )


@click.command()
@click.option("--collection", "with_collection", is_flag=True, help="Also delete the store's collection at QDRANT_URL.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
@errors_for_people
def forget(with_collection: bool, yes: bool, **given: Any) -> None:
    """Delete the store: everything that the pipeline has written. The photographs stay.

    Lists what will be deleted, and asks first. Files in the store that do not belong to the pipeline stay, and are
    listed.
    """
    settings = load_settings(**given)
    store = Store(settings.home)
    check_place(store.home)
    if not _is_store(store.home):
        raise SettingsError(f"The folder {store.home} is not a store: set IMAGE_PIPELINE_HOME to the store to delete.")
    from image_pipeline.collection.connection import address_of
    from image_pipeline.storage.removal import delete_contents, exclusive_use

    address = address_of(settings)
    if with_collection and not address.traits.is_shared:
        raise SettingsError(
            "QDRANT_URL is not set, so there is no server to delete a collection from: set it, or leave out "
            "--collection (the embedded Qdrant is part of the store)."
        )
    mark = read_mark(store.home)
    if mark is not None:
        store.check_version(mark)
    with exclusive_use(store):
        found = contents(store.home, is_marked=True)
        _say_what_goes(store, found)
        if with_collection:
            _forget_with_collection(address, settings.collection, store, yes)
        else:
            _ask("Delete it?", yes)
        delete_contents(store.home, found)
    echo(f"The store {store.home} was deleted.")
    if store.home.exists() and not found.others:
        echo("Its empty folder stays, because the system does not allow it to be deleted.")
    if found.others:
        echo(f"The folder stays, with these files that do not belong to the pipeline: {_names(found.others)}.")


def _is_store(home: Path) -> bool:
    try:
        return home.is_dir() and (read_mark(home) is not None or is_unmarked_store(home))
    except OSError as error:
        raise StoreError(
            f"The store {home} cannot be read ({error.strerror}): give the user who runs the pipeline read permission."
        ) from error


def _say_what_goes(store: Store, found: Contents) -> None:
    mark = read_mark(store.home)
    library = None if mark is None else mark.library
    echo(f"The store {store.home}" + (f", of the library {library}, which stays:" if library else ":"))
    for name, files in found.by_name().items():
        echo(f"  {name:<16} {counted(len(files), 'file')}" if files != [Path(name)] else f"  {name}")
    echo(f"{counted(len(found.files), 'file')}, {_size(found.size_bytes)}, will be deleted.")
    if found.others:
        echo(f"These files do not belong to the pipeline, and stay: {_names(found.others)}.")
    dagster = os.environ.get("DAGSTER_HOME")
    if dagster and Path(dagster).expanduser().resolve() != store.dagster_home.resolve():
        echo(f"Dagster's records in DAGSTER_HOME, {dagster}, are not part of the store, and stay.")


def _forget_with_collection(address: "QdrantAddress", alias: str, store: Store, yes: bool) -> None:
    """Ask, and then delete the versions of the collection that the store made."""
    from image_pipeline.collection.ownership import own_versions

    ledger = Ledger(store.ledger_file)
    ingested = {entry.collection for entry in ledger.entries().values()}
    with address.connect(alias) as qdrant:
        versions = own_versions(qdrant, ledger.libraries(), ingested)
        own = [name for name, is_own in versions.items() if is_own]
        others = [name for name, is_own in versions.items() if not is_own]
        echo(f"To be deleted in Qdrant at {address}: {', '.join(own) or 'nothing, as no collection is the store’s'}.")
        if others:
            echo(f"These belong to a different library, and stay: {', '.join(others)}.")
        _ask("Delete both?", yes)
        qdrant.delete_versions(own)


def _ask(question: str, yes: bool) -> None:
    if not yes:
        click.confirm(question, abort=True)


def _names(paths: Iterable[Path]) -> str:
    return ", ".join(str(path) for path in paths)


def _size(size_bytes: int) -> str:
    for unit, name in _UNITS:
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"
