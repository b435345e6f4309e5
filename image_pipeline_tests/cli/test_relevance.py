"""`image-pipeline search`: what is said of photographs that are not close to the words."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from image_pipeline.cli.main import main
from image_pipeline.demo.scenes import caption, random_scene
from image_pipeline.settings import DType, load_settings
from image_pipeline.stages.models import load_inference
from image_pipeline_tests.support.environment import own_environment
from image_pipeline_tests.support.scene_points import fill, scene_vectors

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs commands over a store of the test's own."""

    def run(*arguments: str) -> Result:
        with own_environment():
            done = CliRunner(env={"IMAGE_PIPELINE_HOME": str(tmp_path)}).invoke(main, arguments)
        assert done.exit_code == 0, done.output
        return done

    return run


def test_what_people_and_programs_read_of_what_is_not_close(run: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    scenes = list(dict.fromkeys(random_scene(rng, held_out=True) for _ in range(50)))
    vectors = scene_vectors(load_inference("demo", DType.AUTO, tmp_path), scenes)
    fill(load_settings(home=tmp_path, models="demo"), vectors, {7: {"people": ["Anna Berg"]}})
    nothing = run("search", "a purple elephant")
    assert (nothing.stdout, nothing.stderr) == (
        "Nothing close was found: `--all` lists the nearest photographs.\n",
        "",
    )
    assert json.loads(run("search", "a purple elephant", "--json").stdout) == []
    every = run("search", "a purple elephant", "--all").stdout.splitlines()
    assert [line.endswith("  (not close)") for line in every[::2]] == [True] * 10, "each with a line of why"
    listed = json.loads(run("search", "a purple elephant", "--all", "--json").stdout)
    assert [hit["close"] for hit in listed] == [False] * 10
    shown = run("search", "Anna").stdout.splitlines()
    assert shown[0].endswith("  7") and shown[-1] == "Other photographs are not close: `--all` lists them, too."
    assert len(shown) == 3
    [first, *_] = json.loads(run("search", caption(scenes[3]), "--json").stdout)
    assert (first["path"], first["close"]) == ("3", True)
    assert run("search", "a purple elephant", "--iso", "100").stdout == "No photographs were found.\n"
    picture = tmp_path / "picture.png"
    from PIL import Image

    Image.new("RGB", (64, 64), "pink").save(picture)
    assert {hit["close"] for hit in json.loads(run("search", "--image", str(picture), "--json").stdout)} == {None}


def test_a_model_that_is_not_calibrated_is_said_once(run: Run, tmp_path: Path, clip_directory: Path) -> None:
    settings = load_settings(home=tmp_path, models=f"{clip_directory},none")
    dimension = load_inference(settings.models, settings.dtype, tmp_path).embedding_producer.dimension
    assert dimension is not None
    vectors = np.random.default_rng(5).standard_normal((40, dimension)).astype(np.float32)
    fill(settings, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    models = ("--models", settings.models)
    done = run("search", "a dog", *models)
    assert done.stderr == (
        "image-pipeline: The scores of this model are not calibrated, so photographs that are not close are listed, "
        "too.\n"
    )
    assert len(done.stdout.splitlines()) == 20 and "not close" not in done.stdout
    for quiet in (("--json",), ("--all",)):
        assert run("search", "a dog", *models, *quiet).stderr == ""
    assert run("search", "--sort", "newest", *models).stderr == ""
