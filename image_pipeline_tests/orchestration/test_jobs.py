"""The job `retire`, whose keys whoever launches it may choose."""

from pathlib import Path

import dagster as dg
import pytest

from image_pipeline.orchestration.build import make_definitions
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.orchestration.partitions import DIRECTORIES_TAG, register
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline, draw_scenes


def test_retire_takes_out_only_what_is_gone_whatever_keys_it_is_told(tmp_path: Path) -> None:
    pipeline = Pipeline.below(tmp_path)
    draw_scenes(pipeline.root / "trip", 2)
    draw_scenes(tmp_path / "outside", 1)
    pipeline.ingest()
    job = make_definitions(pipeline.settings).resolve_job_def("retire")
    with open_instance(Store(pipeline.settings.home)) as instance:

        def retire(*keys: str) -> dg.ExecuteInProcessResult:
            config = {"ops": {"retire_partitions": {"config": {"keys": list(keys)}}}}
            return job.execute_in_process(run_config=config, instance=instance, raise_on_error=False)

        register(instance, ["../outside"])
        result = retire("trip", ".", "invented", "../outside", "a-very-secret-key")
        assert result.success
        run = instance.get_run_by_id(result.run_id)
        assert run is not None and run.tags[DIRECTORIES_TAG] == "trip", "nothing else is a partition's key"
        said = [record.user_message for record in instance.all_logs(result.run_id)]
        assert "Ignored keys that belong to no partition: 4." in said
        assert not [message for message in said if "secret" in message]
        assert retire("a-very-secret-key").success
        with pytest.raises(dg.DagsterInvalidConfigError, match="PATH"):
            retire({"env": "PATH"})  # type: ignore[arg-type]
    assert pipeline.points().keys() == {"trip/a0.jpg", "trip/a1.jpg"}
    assert (tmp_path / "outside/a0.jpg").exists()
