"""The password of an address is used, and shown nowhere."""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
from dagster._core.remote_representation.external_data import RepositorySnap

from benchmarks.qdrant_server import free_port
from image_pipeline.collection.server import ServerAddress
from image_pipeline.errors import CollectionError
from image_pipeline.orchestration.build import make_definitions
from image_pipeline.settings import load_settings
from image_pipeline.terminal import without_passwords
from image_pipeline_tests.support.library import Pipeline, draw_scenes
from image_pipeline_tests.support.runs import RunServer
from image_pipeline_tests.support.shell import DAGSTER, Shell

JOB = ("job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "--tags")
SECRET = "pa%2Fss-w0rd"


def told_by(runs: RunServer, home: Path, *arguments: str, **environment: str) -> str:
    done = Shell(home, runs).run(*arguments, **environment)
    return done.stdout + done.stderr


_ODD = (f"http://person:{SECRET}'@h:1", f'http://person:{SECRET}"@h:1', f"http://person:12/{SECRET}@h")


def with_password(url: str) -> str:
    return url.replace("://", f"://person:{SECRET}@")


def test_status_and_records_and_the_page_do_not_show_it(
    runs: RunServer, tmp_path: Path, server_address: ServerAddress
) -> None:
    url = with_password(server_address.url)
    home = tmp_path / ".image-pipeline"
    draw_scenes(tmp_path / "library/trip", 1)
    settings = load_settings(
        library=tmp_path / "library",
        home=home,
        models="bundled:embedder,none",
        qdrant_url=url,
        qdrant_grpc_port=server_address.grpc_port,
    )
    assert Pipeline(settings).ingest().indexed == 1
    told = told_by(runs, tmp_path, "status", QDRANT_URL=url, QDRANT_GRPC_PORT=str(server_address.grpc_port))
    assert server_address.url in told and SECRET not in told
    for file in (file for file in home.rglob("*") if file.is_file()):
        assert SECRET.encode() not in file.read_bytes(), file
    page = dg.serialize_value(RepositorySnap.from_def(make_definitions(settings).get_repository_def()))
    assert "qdrant" in page and SECRET not in page
    assert SECRET not in repr(settings)


def test_errors_do_not_show_it(runs: RunServer, tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    for url in (f"http://person:{SECRET}@{nobody}", f"ftp://person:{SECRET}@h", f"http://person:x/{SECRET}@h", *_ODD):
        told = told_by(runs, tmp_path, "status", QDRANT_URL=url, QDRANT_GRPC_PORT=str(free_port()))
        assert "QDRANT_URL" in told and SECRET not in told and "person" not in told
    text = f"GET https://person:{SECRET}@host/a and http://b@c, mail me@here"
    assert str(CollectionError(text)) == without_passwords(text) == "GET https://host/a and http://c, mail me@here"


def test_no_record_of_dagsters_shows_it_when_a_run_fails(runs: RunServer, tmp_path: Path) -> None:
    draw_scenes(tmp_path / "library/trip", 1)
    environment = {
        "IMAGE_LIBRARY": str(tmp_path / "library"),
        "IMAGE_PIPELINE_MODELS": "bundled:embedder,none",
        "DAGSTER_HOME": str(tmp_path / ".image-pipeline/dagster"),
    }
    told_by(runs, tmp_path, "scan", **environment)
    url = f"http://person:x/{SECRET}@host"
    done = Shell(tmp_path).run(*JOB, '{"dagster/partition": "trip"}', program=DAGSTER, QDRANT_URL=url, **environment)
    assert done.returncode != 0 and "QDRANT_URL" in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    with closing(sqlite3.connect(tmp_path / ".image-pipeline/dagster/history/runs/index.db")) as records:
        assert SECRET not in "".join(records.iterdump())
