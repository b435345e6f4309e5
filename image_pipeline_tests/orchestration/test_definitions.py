"""The definitions as Dagster sees them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import yaml
from dagster._config import ConfigType

from image_pipeline.definitions import defs
from image_pipeline.orchestration.assets import ASSETS
from image_pipeline.orchestration.assets.captions import captions
from image_pipeline.orchestration.assets.embeddings import embeddings
from image_pipeline.schema.rows import Stage
from image_pipeline.stages.registry import STAGES
from image_pipeline_tests.support.shell import DAGSTER, Shell

REPOSITORY = Path(__file__).parents[2]

UPSTREAM = {
    "discovered_files": set(),
    "content_hashes": {"discovered_files"},
    "image_metadata": {"content_hashes"},
    "decoded_tensors": {"content_hashes"},
    "embeddings": {"decoded_tensors"},
    "captions": {"decoded_tensors"},
    "qdrant_collection": {"content_hashes", "image_metadata", "embeddings", "captions"},
}


def test_they_load_without_importing_torch() -> None:
    program = (
        "import sys, image_pipeline.definitions; print([m for m in sys.modules if m in ('torch', 'transformers')])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_every_stage_tells_a_person_what_it_is() -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert sorted(specs) == sorted([*Stage, "qdrant_collection"])
    assert specs.keys() >= UPSTREAM.keys()
    for name, spec in specs.items():
        assert spec.description and spec.owners and spec.kinds and spec.group_name, name
        assert spec.code_version, name
        if name != "qdrant_collection":
            columns = spec.metadata["dagster/column_schema"].columns
            assert columns and all(column.description for column in columns), name


def test_the_stages_stand_in_the_order_of_the_data() -> None:
    graph = defs.resolve_asset_graph()

    def upstream(name: str) -> set[str]:
        return {key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys}

    declared = {str(stage): {str(read) for read in declaration.reads} for stage, declaration in STAGES.items()}
    assert {**declared, **UPSTREAM} == {**declared, "qdrant_collection": UPSTREAM["qdrant_collection"]}
    others = declared.keys() - UPSTREAM.keys()
    last = {name for name in others if not any(name in reads for reads in declared.values())}
    declared["qdrant_collection"] = UPSTREAM["qdrant_collection"] | last
    assert {name: upstream(name) for name in declared} == declared


def test_models_share_the_pool_of_the_gpu_and_no_asset_is_tried_again_whatever_failed() -> None:
    assert captions.op.pool == embeddings.op.pool == "gpu"
    for asset in ASSETS:
        assert asset.op.retry_policy is None, "Dagster would retry an interruption, and what no retry can help"


def test_the_workspace_names_the_definitions() -> None:
    workspace = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())
    assert workspace["load_from"][0]["python_module"]["module_name"] == "image_pipeline.definitions"


def _options(of: ConfigType, path: str = "") -> Iterator[str]:
    """The paths of all that a config can say, without what takes nothing."""
    fields = getattr(of, "fields", None)
    if fields is None:
        yield path
    for name, field in (fields or {}).items():
        yield from _options(field.config_type, f"{path}.{name}" if path else name)


def test_what_a_run_may_be_told_is_a_closed_list() -> None:
    console = {"loggers.console.config.log_level"}
    all_assets = defs.get_repository_def().get_implicit_global_asset_job_def()
    told = {
        job.name: set(_options(job.run_config_schema.config_type))
        for job in (defs.resolve_job_def("ingest"), defs.resolve_job_def("retire"), all_assets)
    }
    assert told == {
        "ingest": console,
        "retire": console | {"ops.retire_partitions.config.keys"},
        all_assets.name: console,
    }


def _types(of: ConfigType) -> Iterator[ConfigType]:
    """A config type, and all that stand in it."""
    yield of
    fields = (getattr(of, "fields", None) or {}).values()
    for inner in (*(field.config_type for field in fields), *(of.type_params or ())):
        yield from _types(inner)


def test_no_run_config_reads_an_environment_variable() -> None:
    all_assets = defs.get_repository_def().get_implicit_global_asset_job_def()
    for job in (defs.resolve_job_def("ingest"), defs.resolve_job_def("retire"), all_assets):
        types = list(_types(job.run_config_schema.config_type))
        assert any(of.key == "LogLevel" for of in types), "the walk goes down to what can be said"
        assert not [of.key for of in types if "env" in (getattr(of, "fields", None) or {})], job.name


def test_a_command_cannot_change_resources_by_run_config(tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    config = {"qdrant": {"config": {"url": {"env": "SECRET"}}}, "store": {"config": {"home": "elsewhere"}}}
    (tmp_path / "run.yaml").write_text(json.dumps({"resources": config}))
    shell = Shell(
        tmp_path,
        DAGSTER_HOME=str(tmp_path / "dagster"),
        IMAGE_LIBRARY=str(tmp_path),
        IMAGE_PIPELINE_HOME=str(tmp_path / "store"),
        SECRET="http://127.0.0.1:1",
    )
    command = ("job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "-c", "run.yaml")
    done = shell.run(*command, program=DAGSTER)
    assert done.returncode == 1
    for resource in config:
        assert f"at path root:resources:{resource}:config" in done.stderr + done.stdout
    assert not (tmp_path / "elsewhere").exists() and not (tmp_path / "store").exists()
