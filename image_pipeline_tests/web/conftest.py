"""Programs that serve the page: one for this machine alone, and one with a password and keys."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.served import KEY, Served
from image_pipeline_tests.support.shell import PROGRAM

PASSWORD = "correct horse battery staple"


def environment_of(pipeline: Pipeline) -> dict[str, str]:
    """The environment of a program over the library and store of a pipeline."""
    given = {"IMAGE_LIBRARY": str(pipeline.root), "IMAGE_PIPELINE_HOME": str(pipeline.settings.home)}
    given |= {"IMAGE_PIPELINE_MODELS": pipeline.settings.models, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    if pipeline.settings.qdrant_url is not None:
        given |= {"QDRANT_URL": pipeline.settings.qdrant_url}
        given |= {"QDRANT_GRPC_PORT": str(pipeline.settings.qdrant_grpc_port)}
    return given


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A small library that was ingested."""
    directory = tmp_path_factory.mktemp("served")
    pipeline = Pipeline.below(directory)
    draw_scenes(pipeline.root / "trip", 4)
    pipeline.ingest()
    return pipeline


@pytest.fixture(scope="session")
def open_page(indexed: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page for everybody on this machine."""
    with Served(tmp_path_factory.mktemp("open"), environment_of(indexed), "serve") as served:
        yield served


@pytest.fixture(scope="session")
def password_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hash of `PASSWORD`."""
    file = tmp_path_factory.mktemp("password") / "hash"
    done = subprocess.run([PROGRAM, "hash-password"], input=f"{PASSWORD}\n", capture_output=True, text=True, check=True)
    file.write_text(done.stdout)
    return file


@pytest.fixture(scope="session")
def guarded_page(indexed: Pipeline, password_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page for those who know the password, or have a key."""
    environment = environment_of(indexed) | {
        "IMAGE_PIPELINE_PAGE_PASSWORD_FILE": str(password_file),
        "IMAGE_PIPELINE_API_KEY": KEY,
        "IMAGE_PIPELINE_PAGE_HOSTS": "photos.example",
    }
    with Served(tmp_path_factory.mktemp("guarded"), environment, "serve", "--host", "0.0.0.0") as served:
        yield served
