"""Dagster's instance: its records of partitions and runs, in DAGSTER_HOME or, where that is not set, in the store."""

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
from image_pipeline.storage.private_files import usual_rights
from image_pipeline.storage.removal import delete_contents
from image_pipeline.storage.store import Store

_CONFIGURATION = "dagster.yaml"
_REASON_LENGTH = 200

# What the runs of a command print is for the terminal. To copy it for the page, Dagster begins processes of its own,
# which a Ctrl-C ends with a stack trace each.
_IN_THIS_PROCESS: Any = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


def open_instance(store: Store) -> dg.DagsterInstance:
    """The instance; DAGSTER_HOME is set to a folder of the store where it is not set, and made where it is not there.

    One process at a time makes it: two that begin its databases together hinder each other. Raises StoreError where it
    cannot be made, SettingsError where DAGSTER_HOME is no folder of Dagster's or its configuration is wrong.
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
        except Exception as error:  # a wrong configuration has no error of its own: Dagster raises its own, and YAML's
            reason = " ".join(str(error).split())[:_REASON_LENGTH]
            raise SettingsError(
                f"DAGSTER_HOME is {home}, which cannot be used ({reason}): correct its {_CONFIGURATION}, set "
                "DAGSTER_HOME to a folder that is not there yet, or unset it to keep Dagster's records in the store."
            ) from error
        instance.get_runs(limit=1)
        fail_dead_runs(instance, store)
    return instance


def fail_dead_runs(instance: dg.DagsterInstance, store: Store) -> None:
    """Let the runs whose process was killed end as failed.

    Dagster itself does not see it where the process that began the run went, too, as when a machine goes down, or was
    the run's own: they would take the place of other runs, and keep their directories from being ingested, for ever.
    """
    for file in unclaimed_runs(store.runs_directory):
        run = instance.get_run_by_id(file.name)
        if run is None:  # it stands in the records of another DAGSTER_HOME
            continue
        if not run.is_finished:
            instance.report_run_failed(
                run, "The process of the run was killed, or its machine went down; the next run goes on where it was."
            )
        file.unlink(missing_ok=True)


def _make(home: Path) -> None:
    """Make Dagster's folder, with the pipeline's `dagster.yaml` and all databases, in one step.

    Dagster takes a database for whole as soon as it is there, also where a process was killed that was making it.
    """
    unfinished = home.with_name(f".{home.name}.new")
    try:
        if os.path.lexists(unfinished):
            _delete_unfinished(unfinished)
        if not home.parent.exists():
            with usual_rights():  # others may have folders in those above DAGSTER_HOME
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
            f"{home} cannot be made ({error.strerror}): make room on that disk, set DAGSTER_HOME to a folder that can "
            "be written, or unset it to keep Dagster's records in the store."
        ) from error


def _delete_unfinished(unfinished: Path) -> None:
    """Delete what a killed process has left of making Dagster's folder.

    Raises StoreError where anything in it is somebody else's.
    """
    left = unfinished_records(unfinished) if unfinished.is_dir() and not unfinished.is_symlink() else None
    if left is None or left.others:
        raise StoreError(
            f"{unfinished} is in the way, and was not made by the pipeline: move it to another place, or set "
            "DAGSTER_HOME to another folder."
        )
    delete_contents(unfinished, left)


@contextmanager
def errors_of_records(store: Store) -> Iterator[None]:
    """Raises StoreError where Dagster cannot write its records in the block, as where the disk is full."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreError(unusable_records(error.orig if isinstance(error, DBAPIError) else error, store)) from error


def unusable_records(cause: object, store: Store) -> str:
    """What is told of records that `cause` keeps from being used."""
    return (
        f"Dagster's records in {os.environ.get('DAGSTER_HOME', store.dagster_home)} cannot be used ({cause}): make "
        "room on that disk, or set IMAGE_PIPELINE_HOME to a folder that can be written."
    )


def _shipped_configuration() -> Path:
    package = Path(__file__).parents[1]
    installed = package / _CONFIGURATION
    return installed if installed.exists() else package.parent / _CONFIGURATION
