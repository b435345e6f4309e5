"""The definitions as Dagster sees them."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import yaml

from image_pipeline.assets import ASSETS
from image_pipeline.assets.captions import captions
from image_pipeline.assets.embeddings import embeddings
from image_pipeline.definitions import defs

REPOSITORY = Path(__file__).parents[1]

STAGES = [
    "discovered_files",
    "content_hashes",
    "image_metadata",
    "decoded_tensors",
    "embeddings",
    "captions",
    "qdrant_collection",
]


def test_they_load_without_importing_torch() -> None:
    program = (
        "import sys, image_pipeline.definitions; print([m for m in sys.modules if m in ('torch', 'transformers')])"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_every_stage_tells_a_person_what_it_is() -> None:
    specs = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert sorted(specs) == sorted(STAGES)
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

    assert upstream("content_hashes") == {"discovered_files"}
    assert upstream("image_metadata") == upstream("decoded_tensors") == {"content_hashes"}
    assert upstream("embeddings") == upstream("captions") == {"decoded_tensors"}
    assert upstream("qdrant_collection") == {"content_hashes", "image_metadata", "embeddings", "captions"}


def test_models_share_the_pool_of_the_gpu_and_no_asset_is_tried_again_whatever_failed() -> None:
    assert captions.op.pool == embeddings.op.pool == "gpu"
    for asset in ASSETS:
        assert asset.op.retry_policy is None, "Dagster would retry an interruption, and what no retry can help"


def test_the_workspace_names_the_definitions() -> None:
    workspace = yaml.safe_load((REPOSITORY / "workspace.yaml").read_text())
    assert workspace["load_from"][0]["python_module"]["module_name"] == "image_pipeline.definitions"
