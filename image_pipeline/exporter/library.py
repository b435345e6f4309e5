"""Metrics of the library: what the ledger and the sensor's last snapshot say."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from image_pipeline.files.partition import Partition
from image_pipeline.files.plan import DirectorySnapshot
from image_pipeline.files.watch import by_directory, is_as_ingested
from image_pipeline.storage.ledger import Ledger, LedgerEntry


class LibraryMetrics(Collector):
    """Reads the ledger at each scrape; a library of 1,000 directories takes 20 ms."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterable[Metric]:
        """The metrics. Raises StoreError if the ledger cannot be read."""
        entries = self._ledger.entries()
        files = GaugeMetricFamily("image_pipeline_files", "Files of the library, by their state.", labels=["state"])
        files.add_metric(["indexed"], sum(entry.indexed for entry in entries.values()))
        files.add_metric(["quarantined"], sum(entry.quarantined for entry in entries.values()))
        files.add_metric(["damaged"], len(self._ledger.damaged()))
        yield files
        directories = {Partition.from_key(key).directory for key in entries}
        yield GaugeMetricFamily(
            "image_pipeline_directories", "Directories that were ingested.", value=float(len(directories))
        )
        quarantined = GaugeMetricFamily(
            "image_pipeline_quarantined_files", "Files in quarantine, by the reason.", labels=["reason"]
        )
        for reason, count in sorted(Counter(file.reason for file in self._ledger.quarantine()).items()):
            quarantined.add_metric([reason], count)
        yield quarantined
        snapshots = self._ledger.snapshots()
        waiting = waiting_directories(snapshots, entries)
        now = time.time()
        yield GaugeMetricFamily(
            "image_pipeline_waiting_directories",
            "Directories that differ from what was ingested, when the sensor saw them last.",
            value=float(len(waiting)),
        )
        yield GaugeMetricFamily(
            "image_pipeline_oldest_waiting_seconds",
            "How long the directory that waits longest has been in its present state; 0 if none waits.",
            value=max((now - since for since in waiting.values()), default=0.0),
        )
        yield GaugeMetricFamily(
            "image_pipeline_snapshot_age_seconds",
            "Time since the sensor last looked at the library; -1 if it never did.",
            value=min((now - seen.checked_at for seen in snapshots.values()), default=-1.0),
        )


def waiting_directories(
    snapshots: Mapping[str, DirectorySnapshot], entries: Mapping[str, LedgerEntry]
) -> dict[str, float]:
    """The directories with a partition that is not ingested as it is on disk: since when (s since 1970), by name."""
    ingested = by_directory({key: entry.fingerprint for key, entry in entries.items()})
    return {directory: seen.since for directory, seen in snapshots.items() if not is_as_ingested(seen, ingested)}
