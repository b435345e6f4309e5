"""Metrics of Dagster's runs: how many are in which state, and what the stages of ended runs have done."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_WORK = {
    "files_read": "content_hashes",
    "contents_read": "image_metadata",
    "sidecars_read": "sidecars",
    "images_decoded": "decoded_tensors",
    "images_embedded": "embeddings",
    "images_captioned": "captions",
    "points_upserted": "qdrant_collection",
}
"""The metadata of a materialization that says how much a stage has done, and the stage."""

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_OVERLAP, _KNOWN = timedelta(minutes=1), timedelta(days=1)


class RunMetrics(Collector):
    """Reads Dagster's records at each scrape. The counters begin with the runs that end after this object was made."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._since = datetime.now(UTC)
        self._counted = {record.dagster_run.run_id: self._since for record in self._ended()}
        self._seconds: Counter[str] = Counter()  # of floats, which add up like integers
        self._work: Counter[str] = Counter()

    def collect(self) -> Iterable[Metric]:
        """The metrics. Raises the errors of Dagster's storage."""
        runs = GaugeMetricFamily("image_pipeline_runs", "Runs in Dagster's records, by their state.", labels=["state"])
        for status in dg.DagsterRunStatus:
            count = self._instance.get_runs_count(dg.RunsFilter(statuses=[status]))
            runs.add_metric([status.value.lower()], count)
        yield runs
        self._count_ended()
        seconds = CounterMetricFamily(
            "image_pipeline_stage_seconds", "Time that the stages of ended runs took.", labels=["stage"]
        )
        for stage, total in sorted(self._seconds.items()):
            seconds.add_metric([stage], total)
        yield seconds
        images = CounterMetricFamily(
            "image_pipeline_stage_images",
            "Images, or files, that the stages of ended runs worked on; unchanged ones do not count.",
            labels=["stage"],
        )
        for stage in sorted(_WORK.values()):
            images.add_metric([stage], self._work[stage])
        yield images

    def _count_ended(self) -> None:
        """Count the runs that have ended since the last time.

        Dagster changes the records of ended runs, too, when it retries them; and a run may be recorded a little later
        than its time says. So runs are looked at twice, and known for a day.
        """
        for record in self._ended():
            run_id, updated = record.dagster_run.run_id, record.update_timestamp.replace(tzinfo=UTC)
            if run_id not in self._counted:
                seconds, work = self._done(run_id)
                self._seconds.update(seconds)
                self._work.update(work)
            self._counted[run_id] = updated
            self._since = max(self._since, updated)
        self._counted = {run_id: at for run_id, at in self._counted.items() if self._since - at < _KNOWN}

    def _ended(self) -> Sequence[dg.RunRecord]:
        """The runs whose records changed since the last time, or a little before, oldest change first."""
        filters = dg.RunsFilter(statuses=_ENDED, updated_after=self._since - _OVERLAP)
        return self._instance.get_run_records(filters, order_by="update_timestamp", ascending=True)

    def _done(self, run_id: str) -> tuple[dict[str, float], Counter[str]]:
        """The seconds of each stage of a run, and what each has worked on."""
        seconds = {
            step.step_key: step.end_time - step.start_time
            for step in self._instance.get_run_step_stats(run_id)
            if step.start_time is not None and step.end_time is not None
        }
        work: Counter[str] = Counter()
        for entry in self._instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            materialized = entry.asset_materialization
            for name, value in (materialized.metadata if materialized else {}).items():
                if name in _WORK and isinstance(value, dg.IntMetadataValue):
                    work[_WORK[name]] += value.value or 0
        return seconds, work
