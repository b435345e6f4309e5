"""Dagster's instance: its records of partitions and runs, in DAGSTER_HOME or, where that is not set, in the store."""

import os
import shutil
from pathlib import Path

import dagster as dg
from filelock import FileLock

from image_pipeline.storage.store import Store

_CONFIGURATION = "dagster.yaml"


def prepare_dagster_home(store: Store) -> Path:
    """Set DAGSTER_HOME, where it is not set, to a folder of the store with the pipeline's `dagster.yaml`."""
    if "DAGSTER_HOME" not in os.environ:
        store.prepare()
        store.dagster_home.mkdir(exist_ok=True)
        if not (store.dagster_home / _CONFIGURATION).exists():
            shutil.copyfile(_shipped_configuration(), store.dagster_home / _CONFIGURATION)
        os.environ["DAGSTER_HOME"] = str(store.dagster_home)
    return Path(os.environ["DAGSTER_HOME"])


def open_instance(store: Store) -> dg.DagsterInstance:
    """The instance. Its databases are made by one process at a time: two that begin together hinder each other."""
    home = prepare_dagster_home(store)
    with FileLock(store.home / "dagster.lock"):
        instance = dg.DagsterInstance.from_config(str(home))
        instance.get_runs(limit=1)
    return instance


def _shipped_configuration() -> Path:
    package = Path(__file__).parent
    installed = package / _CONFIGURATION
    return installed if installed.exists() else package.parent / _CONFIGURATION
