"""The launcher of runs: Dagster's own, which knows that some runs are not its own."""

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_docker import DockerRunLauncher


class RunLauncher(DockerRunLauncher):
    """Launches each run in a container, and looks after those containers alone.

    A run that `ingest` started works in the container of that command. Dagster's launcher finds none of its own for it,
    and the daemon would record the run as failed while it works.
    """

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """The health of the container of a run."""
        if run.remote_job_origin is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "It was not launched here.")
        health: CheckRunHealthResult = super().check_run_worker_health(run)
        return health
