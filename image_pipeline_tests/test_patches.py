"""Patches change the speed and nothing else, and are left off under releases that they were not written for."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import torch
from transformers import BlipConfig, BlipForConditionalGeneration

from image_pipeline import patches
from image_pipeline.patches import fused_attention, skip_random_weights, store_events_in_batches, sync_records_rarely


@pytest.fixture(autouse=True)
def ask_anew() -> Iterator[None]:
    patches.is_written_for.cache_clear()
    yield
    patches.is_written_for.cache_clear()


@pytest.fixture
def other_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "importlib.metadata.version", {"dagster": "1.14.0", "torch": "2.150.1", "transformers": "6.0"}.get
    )


def tiny_blip() -> BlipForConditionalGeneration:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = BlipConfig(vision_config={**sizes, "image_size": 32, "patch_size": 8}, text_config=sizes)
    return BlipForConditionalGeneration(config).eval()


def attention_of(model: BlipForConditionalGeneration) -> set[str]:
    return {type(layer.self_attn.forward).__name__ for layer in model.vision_model.encoder.layers}


def test_fused_attention_gives_what_the_model_gives() -> None:
    model, pixels = tiny_blip(), torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        expected = model.vision_model(pixel_values=pixels).last_hidden_state
        fused_attention(model)
        assert attention_of(model) == {"_FusedAttention"}
        assert torch.allclose(model.vision_model(pixel_values=pixels).last_hidden_state, expected, atol=1e-5)


def test_only_what_would_be_drawn_at_random_is_left_out() -> None:
    with skip_random_weights():
        layers = torch.nn.Linear(64, 64), torch.nn.LayerNorm(64)
        torch.nn.init.constant_(layers[0].bias, 0.5)
    assert bool((layers[1].weight == 1).all() and (layers[0].bias == 0.5).all())
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    with skip_random_weights():
        torch.nn.Linear(64, 64)
    assert torch.equal(torch.random.get_rng_state(), before), "no number was drawn"
    torch.nn.Linear(64, 64)
    assert not torch.equal(torch.random.get_rng_state(), before), "outside of the block, numbers are drawn"


KEYS = ["a", "b", "c"]
DAYS = dg.DynamicPartitionsDefinition(name="day")


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def first(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    for key in context.partition_keys:
        context.add_asset_metadata({"rows": len(key)}, partition_key=key)
    return dg.MaterializeResult()


@dg.asset(deps=[first], partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def second(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return dg.MaterializeResult()


def records_of_a_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What Dagster knows of a run over three partitions, without ids and times."""
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        instance.add_dynamic_partitions("day", KEYS)
        job = dg.Definitions(
            assets=[first, second], jobs=[dg.define_asset_job("days")], executor=dg.in_process_executor
        ).resolve_job_def("days")
        tags = {"dagster/asset_partition_range_start": "a", "dagster/asset_partition_range_end": "c"}
        assert job.execute_in_process(instance=instance, tags=tags).success
        known: list[object] = []
        for key in (dg.AssetKey("first"), dg.AssetKey("second")):
            events = instance.fetch_materializations(key, limit=10).records
            known += [
                sorted(
                    (e.partition_key, str(e.asset_materialization.metadata)) for e in events if e.asset_materialization
                ),
                sorted(instance.get_materialized_partitions(key)),
                [len(instance.get_event_tags_for_asset(key))],
            ]
            record = instance.get_asset_records([key])[0].asset_entry.last_materialization
            known.append(record is not None and record.get_dagster_event().partition in KEYS)
        [run] = instance.get_runs()
        known.append(
            sorted(entry.dagster_event_type or "" for entry in instance.all_logs(run.run_id) if entry.dagster_event)
        )
    return known


def test_dagsters_records_are_the_same_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster._core.storage.event_log import SqliteEventLogStorage

    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    expected = records_of_a_run(tmp_path / "one by one", monkeypatch)
    batches: list[int] = []
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "200")
    # put back at the end of the test
    monkeypatch.setattr(SqliteEventLogStorage, "store_event_batch", SqliteEventLogStorage.store_event_batch)
    store_events_in_batches()
    store_together = patches._store_asset_events
    monkeypatch.setattr(
        patches, "_store_asset_events", lambda *args: (batches.append(len(args[2])), store_together(*args))
    )
    assert records_of_a_run(tmp_path / "in batches", monkeypatch) == expected
    assert max(batches) >= len(KEYS)


def test_dagsters_records_are_synced_at_checkpoints(tmp_path: Path) -> None:
    program = (
        "import sys; import dagster as dg\n"
        "from image_pipeline.patches import sync_records_rarely\n"
        "sync_records_rarely()\n"
        "with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:\n"
        "    with instance.event_log_storage.index_connection() as connection:\n"
        "        print(connection.exec_driver_sql('PRAGMA synchronous').scalar())\n"
    )
    result = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1:] == ["1"], result.stderr


@pytest.mark.usefixtures("other_releases")
def test_under_another_release_a_patch_is_left_off_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dagster._core.storage.event_log import SqliteEventLogStorage

    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE", raising=False)
    stored_by = SqliteEventLogStorage.store_event_batch
    model = tiny_blip()
    for _ in range(2):
        store_events_in_batches()
        sync_records_rarely()
        fused_attention(model)
        state = torch.random.get_rng_state()
        with skip_random_weights():
            torch.nn.Linear(4, 4)
        assert not torch.equal(torch.random.get_rng_state(), state)
    assert SqliteEventLogStorage.store_event_batch is stored_by
    assert attention_of(model) == {"method"}
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "dagster 1.14.0 is installed; a patch for dagster 1.13 is left off: an ingestion of many small directories "
        "takes nearly twice as long.",
        "dagster 1.14.0 is installed; a patch for dagster 1.13 is left off: small directories take longer to record on "
        "a slow disk.",
        "transformers 6.0 is installed; a patch for transformers 5.23 is left off: captions take longer to compute.",
        "torch 2.150.1 is installed; a patch for torch 2.15 is left off: loading a model takes seconds longer.",
    ]


_ENDING = """
import atexit, logging, sys, tempfile, threading, time
from image_pipeline.patches import run_without_finalization
class Destroyed:
    def __del__(self): print("destroyed", flush=True)
kept = Destroyed()
logging.lastResort = None
def program():
    import {imported}
    atexit.register(print, "at exit")
    sys.made = tempfile.TemporaryDirectory()
    print(sys.made.name)
    threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
    {end}
run_without_finalization(program)
"""


def ended(end: str, imported: str = "json", **options: Any) -> "subprocess.CompletedProcess[str]":
    program = _ENDING.format(end=end, imported=imported)
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=buffered, text=True, check=False, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("imported", ["json", "torch"])
@pytest.mark.parametrize(("end", "code"), [("sys.exit()", 0), ("sys.exit(0)", 0), ("sys.exit(3)", 3)])
def test_a_program_without_finalization_ends_in_order(imported: str, end: str, code: int) -> None:
    result = ended(end, imported, stdout=subprocess.PIPE)
    made, *rest = result.stdout.splitlines()
    assert (rest, result.stderr, result.returncode) == (["thread", "at exit"], "", code)
    assert not Path(made).exists()


@pytest.mark.parametrize(
    ("end", "code", "said"), [("1 / 0", 1, "ZeroDivisionError"), ("sys.exit('no')", 1, "no"), ("pass", 0, "")]
)
def test_a_program_that_does_not_exit_with_a_code_is_finalized(end: str, code: int, said: str) -> None:
    result = ended(end, stdout=subprocess.PIPE)
    assert (result.stdout.splitlines()[1:], result.returncode) == (["thread", "at exit", "destroyed"], code)
    assert said in result.stderr


def test_output_that_nobody_reads_is_reported_as_by_python_itself() -> None:
    with open("/dev/full", "w") as full:
        result = ended("sys.exit(0)", stdout=full)
    assert result.returncode == 120
    assert "No space left on device" in result.stderr


@pytest.mark.parametrize("is_skipped", [True, False])
def test_httpx_is_the_same_without_its_command_line(is_skipped: bool) -> None:
    program = (
        "import sys\n"
        "from image_pipeline.patches import skip_command_line_of_httpx\n"
        f"if {is_skipped}: skip_command_line_of_httpx()\n"
        "import httpx\n"
        "answer = httpx.MockTransport(lambda request: httpx.Response(200, json={'path': request.url.path}))\n"
        "told = httpx.Client(transport=answer).get('http://host/a').json()\n"
        "print(told, callable(httpx.main), 'rich' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == (f"{{'path': '/a'}} True {not is_skipped}\n", "")


def test_garbage_is_collected_rarely_and_memory_can_be_returned() -> None:
    program = (
        "import gc\n"
        "from image_pipeline.patches import collect_garbage_rarely, release_memory\n"
        "collect_garbage_rarely(); release_memory()\n"
        "print(gc.get_threshold()[0])\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (result.stdout, result.stderr, result.returncode) == ("20000\n", "", 0)
