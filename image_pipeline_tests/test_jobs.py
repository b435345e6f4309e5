"""The job `retire`, whose keys whoever launches it may choose."""

from pathlib import Path

from image_pipeline.definitions import make_definitions
from image_pipeline.instance import open_instance
from image_pipeline.settings import load_settings
from image_pipeline.storage.store import Store
from image_pipeline_tests.library import Pipeline, draw_scenes


def test_retire_takes_out_only_what_is_gone_whatever_keys_it_is_told(tmp_path: Path) -> None:
    settings = load_settings(library=tmp_path / "library", home=tmp_path / "store", models="bundled:embedder,none")
    pipeline = Pipeline(settings)
    draw_scenes(pipeline.root / "trip", 2)
    draw_scenes(tmp_path / "outside", 1)
    pipeline.ingest()
    job = make_definitions(settings).resolve_job_def("retire")
    with open_instance(Store(settings.home)) as instance:

        def succeeds(*keys: str) -> bool:
            config = {"ops": {"retire_partitions": {"config": {"keys": list(keys)}}}}
            return job.execute_in_process(run_config=config, instance=instance, raise_on_error=False).success

        assert succeeds("trip", ".", "invented")
        assert not succeeds("../outside"), "that is no directory of the library"
    assert pipeline.points().keys() == {"trip/a0.jpg", "trip/a1.jpg"}
    assert (tmp_path / "outside/a0.jpg").exists()
