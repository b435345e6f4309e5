"""The launcher of runs in containers, as Dagster loads it."""

from importlib import import_module

import dagster as dg
import yaml
from dagster._core.launcher import WorkerStatus

from image_pipeline_tests.containers.stack import ROOT


def test_a_run_of_the_command_line_is_not_its_own() -> None:
    declared = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text())["run_launcher"]
    launcher = getattr(import_module(declared["module"]), declared["class"])()
    assert launcher.check_run_worker_health(dg.DagsterRun("ingest")).status is WorkerStatus.RUNNING
