"""What decoding leaves in the store."""

from collections.abc import Collection
from pathlib import Path

import pytest

from image_pipeline.errors import ServiceUnavailableError
from image_pipeline.orchestration.assets.preflight import Preflight
from image_pipeline.settings import load_settings
from image_pipeline.storage.failures import Failures
from image_pipeline.storage.store import Store
from image_pipeline_tests.support.library import Pipeline, draw_scenes


def test_a_step_that_is_tried_again_leaves_no_tensors_of_its_first_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(library=tmp_path / "library", home=tmp_path / "store", models="bundled:embedder,none")
    pipeline = Pipeline(settings)
    for name in ("a", "b"):
        draw_scenes(pipeline.root / name, 2, seed=ord(name))
    asked: list[int] = []
    models = Preflight.models

    def away_for_a_moment(self: Preflight, wanted: Collection[str], failures: Failures) -> None:
        asked.append(len(wanted))
        if len(asked) == 2:
            raise ServiceUnavailableError("It does not answer.")
        models(self, wanted, failures)

    monkeypatch.setattr(Preflight, "models", away_for_a_moment)
    assert pipeline.ingest().indexed == 4
    assert asked == [2, 2, 2, 2], "the second directory ended the first try"
    assert [path for path in Store(settings.home).tensors_directory.rglob("*") if path.is_file()] == []
