"""The last run that Dagster recorded, whether the command line, the sensor or the page started it."""

import os
from datetime import datetime

from image_pipeline.services.status import LastRun
from image_pipeline.storage.store import Store


def last_run(store: Store) -> LastRun | None:
    """The run that was started last; None if there was none. Raises as `open_instance` does."""
    if not (os.environ.get("DAGSTER_HOME") or store.dagster_home.exists()):
        return None
    import dagster as dg

    from image_pipeline.logs import failure_text
    from image_pipeline.orchestration.instance import errors_of_records, open_instance

    with errors_of_records(store), open_instance(store) as instance:
        record = next(iter(instance.get_run_records(limit=1)), None)
        if record is None:
            return None
        run, began, ended = record.dagster_run, record.start_time, record.end_time
        error = None
        if run.status is dg.DagsterRunStatus.FAILURE:
            failed = dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE
            events = [entry.dagster_event for entry in instance.all_logs(run.run_id, of_type=set(failed))]
            texts = [failure_text(event.event_specific_data) for event in events if event is not None]
            error = next((text for text in texts if text), None)
    return LastRun(
        run_id=run.run_id,
        job=run.job_name,
        status=run.status.value.lower(),
        began=None if began is None else datetime.fromtimestamp(began).astimezone().isoformat(timespec="seconds"),
        seconds=None if began is None or ended is None else round(ended - began, 1),
        error=error,
    )
