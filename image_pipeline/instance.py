"""Dagster's instance: its records of partitions and runs, in DAGSTER_HOME or, where that is not set, in the store."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock
from sqlalchemy.exc import DBAPIError

from image_pipeline.errors import StoreError
from image_pipeline.storage.claims import replacing
from image_pipeline.storage.store import Store

_CONFIGURATION = "dagster.yaml"


def prepare_dagster_home(store: Store) -> Path:
    """DAGSTER_HOME, set to a folder of the store where it is not set; made where it is not there.

    What is made has the pipeline's `dagster.yaml`. Raises StoreError where it cannot be made.
    """
    store.prepare()
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(store.dagster_home)))
    if home == store.dagster_home or not home.exists():
        try:
            home.mkdir(parents=True, exist_ok=True)
            if not (home / _CONFIGURATION).exists():
                # in one step: half a configuration is one too
                with replacing(home / _CONFIGURATION) as file:
                    file.write(_shipped_configuration().read_bytes())
        except OSError as error:
            raise StoreError(
                f"{home} cannot be made ({error.strerror}): set DAGSTER_HOME to a folder that can be written, or unset "
                "it to keep Dagster's records in the store."
            ) from error
    return home


def open_instance(store: Store) -> dg.DagsterInstance:
    """The instance. Its databases are made by one process at a time: two that begin together hinder each other."""
    home = prepare_dagster_home(store)
    with FileLock(store.home / "dagster.lock"):
        instance = dg.DagsterInstance.from_config(str(home))
        instance.get_runs(limit=1)
    return instance


@contextmanager
def errors_of_records(store: Store) -> Iterator[None]:
    """Raises StoreError where Dagster cannot write its records in the block, as where the disk is full."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(
            f"Dagster's records in {os.environ.get('DAGSTER_HOME', store.dagster_home)} cannot be used ({cause}): make "
            "room on that disk, or set IMAGE_PIPELINE_HOME to a folder that can be written."
        ) from error


def _shipped_configuration() -> Path:
    package = Path(__file__).parent
    installed = package / _CONFIGURATION
    return installed if installed.exists() else package.parent / _CONFIGURATION
