"""Dagster's instance: its records of partitions and runs, in DAGSTER_HOME or, if that is not set, in the store."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from sqlalchemy.exc import DBAPIError

from image_pipeline.errors import SettingsError, StoreError
from image_pipeline.storage.claims import unclaimed_runs
from image_pipeline.storage.locks import exclusive_lock
from image_pipeline.storage.own_files import unfinished_records
from image_pipeline.storage.private_files import default_permissions
from image_pipeline.storage.removal import delete_contents
from image_pipeline.storage.store import Store
from image_pipeline.terminal import in_one_line

_CONFIGURATION = "dagster.yaml"
_REASON_LENGTH = 200

# The output of a command's runs is for the terminal. To copy it for the page, Dagster would start processes, each of
# which prints a stack trace at Ctrl-C.
_IN_THIS_PROCESS: Any = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


def open_instance(store: Store) -> dg.DagsterInstance:
    """Open the instance in DAGSTER_HOME; if that is not set, set it to a folder of the store. Creates a missing folder.

    One process at a time opens it, because two that create its databases together would disturb each other. Raises
    StoreError if the folder cannot be created, SettingsError if Dagster cannot use it or its configuration is wrong.
    """
    store.prepare()
    home = Path(os.environ.get("DAGSTER_HOME") or store.dagster_home).expanduser().absolute()
    os.environ["DAGSTER_HOME"] = str(home)
    with exclusive_lock(store.dagster_lock_file, f"Dagster's records in {home}"):
        if not home.exists():
            _make(home)
        try:
            instance = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=_IN_THIS_PROCESS))
        except (DBAPIError, sqlite3.Error, OSError):
            raise
        except Exception as error:  # a wrong configuration raises errors of Dagster or YAML of many types
            reason = in_one_line(error, _REASON_LENGTH)
            raise SettingsError(
                f"DAGSTER_HOME is {home}, which cannot be used ({reason}): correct its {_CONFIGURATION}, start the "
                "database that it names, set DAGSTER_HOME to a new folder, or unset it to keep Dagster's records in "
                "the store."
            ) from error
        instance.get_runs(limit=1)
        fail_dead_runs(instance, store)
    return instance


def fail_dead_runs(instance: dg.DagsterInstance, store: Store) -> None:
    """Mark the runs whose process was killed as failed.

    Dagster does not notice this if the process that started the run was killed, too (as when the machine goes down), or
    is the same process. Such runs would count as running for ever: they would take the place of other runs, and their
    directories would not be ingested.
    """
    for file in unclaimed_runs(store.runs_directory):
        run = instance.get_run_by_id(file.name)
        if run is None:  # it is recorded in a different DAGSTER_HOME
            continue
        if not run.is_finished:
            instance.report_run_failed(
                run, "The process of the run was killed, or its machine went down; the next run continues from there."
            )
        file.unlink(missing_ok=True)


def _make(home: Path) -> None:
    """Create Dagster's folder, with the pipeline's `dagster.yaml` and all databases, in one atomic step.

    Dagster assumes that any existing database is complete, even if the process that created it was killed halfway.
    """
    unfinished = home.with_name(f".{home.name}.new")
    try:
        if os.path.lexists(unfinished):
            _delete_unfinished(unfinished)
        if not home.parent.exists():
            with default_permissions():  # other users may have folders in the parents of DAGSTER_HOME
                home.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir()
        (unfinished / _CONFIGURATION).write_bytes(_shipped_configuration().read_bytes())
        with dg.DagsterInstance.from_config(str(unfinished)) as instance:
            instance.get_runs(limit=1)
            instance.get_dynamic_partitions("none")
            instance.all_instigator_state()
        unfinished.rename(home)
    except OSError as error:
        raise StoreError(
            f"Dagster's folder {home} cannot be created ({error.strerror}): make room on that disk, set DAGSTER_HOME "
            "to a writable folder, or unset it to keep Dagster's records in the store."
        ) from error


def _delete_unfinished(unfinished: Path) -> None:
    """Delete what remains of Dagster's folder if the process that was creating it was killed.

    Raises StoreError if it contains anything that does not belong to the pipeline.
    """
    left = unfinished_records(unfinished) if unfinished.is_dir() and not unfinished.is_symlink() else None
    if left is None or left.others:
        raise StoreError(
            f"{unfinished} is in the way, and does not belong to the pipeline: move it elsewhere, or set DAGSTER_HOME "
            "to a different folder."
        )
    delete_contents(unfinished, left)


@contextmanager
def errors_of_records(store: Store) -> Iterator[None]:
    """Raises StoreError if Dagster cannot write its records in the block, for example because the disk is full."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(unusable_records(cause, store, isinstance(cause, sqlite3.Error | OSError))) from error


def unusable_records(cause: object, store: Store, are_files: bool) -> str:
    """The message for records, in files or in the database of a server, that cannot be used because of `cause`."""
    home = os.environ.get("DAGSTER_HOME", store.dagster_home)
    if are_files:
        return (
            f"Dagster's records in {home} cannot be used ({cause}): make room on that disk, or set IMAGE_PIPELINE_HOME "
            "to a writable folder."
        )
    reason = in_one_line(cause, _REASON_LENGTH)
    return (
        f"Dagster's records cannot be used ({reason}): start the database that {home}/{_CONFIGURATION} names, or make "
        "room on its disk."
    )


def _shipped_configuration() -> Path:
    package = Path(__file__).parents[1]
    installed = package / _CONFIGURATION
    return installed if installed.exists() else package.parent / _CONFIGURATION
