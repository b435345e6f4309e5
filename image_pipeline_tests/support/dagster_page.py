"""What a person does on Dagster's page, without a browser: the same mutations, the same launcher, the same daemon."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import dagster as dg
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import consume_new_runs_for_automatic_reexecution
from dagster_graphql.cli import execute_query

from image_pipeline_tests.support.moments import wait_until

_LOCATION = "image_pipeline.definitions"
_RUN_SECONDS = 120.0

_LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_TERMINATE = """mutation ($run: String!) { terminateRun(runId: $run) {
    __typename ... on PythonError { message } } }"""


class RefusedError(Exception):
    """The page launches no run; the message is what it says."""


class Page:
    """The page of an instance, over the definitions as the environment has them. A context manager."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        target = ModuleTarget(_LOCATION, None, None, None)
        self._workspace = self._stack.enter_context(WorkspaceProcessContext(self.instance, target))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def launch(self, tags: Mapping[str, str], assets: list[str] | None = None) -> str:
        """Launch a run of the job `ingest`, or materialize `assets`; gives its id. Raises RefusedError."""
        selector: dict[str, object] = {
            "repositoryLocationName": _LOCATION,
            "repositoryName": "__repository__",
            "jobName": "ingest" if assets is None else "__ASSET_JOB",
        }
        if assets is not None:
            selector["assetSelection"] = [{"path": [asset]} for asset in assets]
        metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        answer = self._ask(_LAUNCH, {"params": {"selector": selector, "executionMetadata": metadata}})["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise RefusedError(answer.get("message", answer["__typename"]))
        run_id: str = answer["run"]["runId"]
        self._dequeue()
        return run_id

    def terminate(self, run_id: str) -> None:
        """Terminate a run."""
        answer = self._ask(_TERMINATE, {"run": run_id})["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def ended(self, run_id: str) -> dg.DagsterRun:
        """A run, once it has ended."""
        assert wait_until(lambda: self._run(run_id).is_finished, _RUN_SECONDS), self._run(run_id).status
        return self._run(run_id)

    def headline(self, run_id: str) -> str:
        """What the page says of why a run failed."""
        [failure] = self.instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
        assert failure.dagster_event is not None
        first = failure.dagster_event.job_failure_data.first_step_failure_event
        assert first is not None, failure
        return str(first.step_failure_data.error_display_string)

    def begin_again(self) -> int:
        """What the daemon does with the runs that are to be begun again; gives how many those are."""
        before = self.instance.get_runs_count()
        records = self.instance.get_run_records()
        for _ in consume_new_runs_for_automatic_reexecution(self._workspace, records, logging.getLogger(__name__)):
            pass
        self._dequeue()
        return self.instance.get_runs_count() - before

    def _dequeue(self) -> None:
        """Launch the runs that are queued, as the daemon does."""
        queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
        for run in self.instance.get_runs(filters=queued):
            self.instance.launch_run(run.run_id, self._workspace.create_request_context())

    def _run(self, run_id: str) -> dg.DagsterRun:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run

    def _ask(self, mutation: str, variables: Mapping[str, object]) -> dict[str, Any]:
        answer: dict[str, Any] = execute_query(self._workspace, mutation, variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data
