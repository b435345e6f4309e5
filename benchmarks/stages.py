"""Durations of the stages, as the pipeline reports them to Dagster."""

from pathlib import Path

import dagster as dg


def stage_seconds(home: Path) -> dict[str, float]:
    """The total seconds of each stage in a store, from its materializations or, without these, the length of its steps.

    The sum may exceed the elapsed time, because stages overlap.
    """
    found: dict[str, float] = {}
    reported: set[str] = set()
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        for record in instance.get_run_records():
            run_id = record.dagster_run.run_id
            for event in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
                materialization = event.asset_materialization
                assert materialization is not None
                seconds = materialization.metadata.get("seconds")
                if isinstance(seconds, dg.FloatMetadataValue) and seconds.value is not None:
                    stage = materialization.asset_key.to_user_string()
                    found[stage] = found.get(stage, 0.0) + seconds.value
                    reported.add(stage)
            for step in instance.get_run_step_stats(run_id):
                if step.step_key not in reported and step.start_time and step.end_time:
                    found[step.step_key] = found.get(step.step_key, 0.0) + step.end_time - step.start_time
    return found
