"""Dagster runs in the process of the command, with progress bars."""

from collections.abc import Sequence

from image_pipeline.cli.progress_bars import show_progress
from image_pipeline.orchestration.ingest import Scan, Summary, open_ingestion
from image_pipeline.orchestration.repair import Repair, repair
from image_pipeline.orchestration.retry import Retried, retry
from image_pipeline.services.verification import Verification
from image_pipeline.services.verifier import check_ingested
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings


def ingest_with_progress(settings: Settings, allow_deletions: bool) -> Summary:
    """Ingest the library, with bars on stderr. Raises as `Ingestion.run` does."""
    with open_ingestion(settings) as ingestion, show_progress(settings) as on_run:
        return ingestion.run(on_run, allow_deletions)


def verify_with_progress(settings: Settings) -> Verification:
    """Compare disk, store and collection, with a bar on stderr. Raises as `check_ingested` and `Verifier.verify` do."""
    with open_ingestion(settings) as ingestion:
        wiring = Wiring(settings)
        check_ingested(wiring.ledger, wiring.address, settings.collection)
        with show_progress(settings):
            return ingestion.verifier.verify()


def repair_with_progress(settings: Settings, allow_deletions: bool) -> Repair:
    """Repair what a verification finds, with bars on stderr. Raises as `repair` does."""
    with open_ingestion(settings) as ingestion, show_progress(settings) as on_run:
        return repair(ingestion, on_run, allow_deletions)


def retry_with_progress(settings: Settings, paths: Sequence[str]) -> list[Retried]:
    """Retry failed files, with bars on stderr. Raises as `retry` does."""
    with open_ingestion(settings) as ingestion, show_progress(settings) as on_run:
        return retry(ingestion, paths, on_run)


def scan_library(settings: Settings) -> Scan:
    """Scan the library, and register its partitions. Raises as `Ingestion.scan` does."""
    with open_ingestion(settings) as ingestion:
        return ingestion.scan()
