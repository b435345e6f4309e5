"""Damaged pictures in the whole program: indexed and marked, listed, or left out by a setting."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from image_pipeline.cli.main import main
from image_pipeline.schema.outcome import Reason
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Damaged
from image_pipeline.storage.ledger import Ledger
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.scenes import encoded, photograph, write

MISSING = "78 of 300 rows are missing"


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A library with a sound and a damaged picture, and the embedded Qdrant."""
    pipeline = Pipeline.below(tmp_path, settle_seconds=0)
    content = encoded(photograph(400, 300), "JPEG", quality=90)
    write(pipeline.root, "damaged.jpg", content[: int(0.8 * len(content))])
    write(pipeline.root, "sound.jpg", content)
    return pipeline


def listed(pipeline: Pipeline, *options: str) -> Any:
    home = str(pipeline.settings.home)
    result = CliRunner().invoke(main, ["quarantine", *options, "--json"], env={"IMAGE_PIPELINE_HOME": home})
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_damaged_picture_is_indexed_marked_and_listed(pipeline: Pipeline) -> None:
    pipeline.ingest()
    points = pipeline.points()

    assert {path: point.get("damaged") for path, point in points.items()} == {"damaged.jpg": MISSING, "sound.jpg": None}
    sha256 = points["damaged.jpg"]["sha256"]
    assert listed(pipeline, "--damaged") == [{"path": "damaged.jpg", "damaged": MISSING, "sha256": sha256}]
    assert listed(pipeline) == []

    sound = (pipeline.root / "sound.jpg").read_bytes()
    write(pipeline.root, "damaged.jpg", sound)
    pipeline.ingest()
    assert listed(pipeline, "--damaged") == []


def test_a_setting_leaves_damaged_pictures_out(pipeline: Pipeline) -> None:
    pipeline.ingest()
    strict = pipeline.with_settings(settle_seconds=0, damaged=Damaged.QUARANTINE)

    strict.ingest()

    assert strict.points().keys() == {"sound.jpg"}
    ledger = Ledger(Store(strict.settings.home).ledger_file)
    assert [(file.path, file.reason, file.message) for file in ledger.quarantine()] == [
        ("damaged.jpg", Reason.CORRUPT, MISSING)
    ]
    assert listed(strict, "--damaged") == []
    assert ledger.set_outdated_to_try(Wiring(strict.settings).limits) == {}, "it is not tried again and again"
    assert strict.ingest().embedded == 0

    pipeline.ingest()
    assert pipeline.points().keys() == {"damaged.jpg", "sound.jpg"}
    assert listed(pipeline) == []
