"""Each command in an ordinary person's home: nothing of theirs is touched, nothing of ours lies about."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from benchmarks.qdrant_server import free_port
from image_pipeline.settings import Settings, variable_of
from image_pipeline_tests.support.decoys import Snapshot, strew_decoys
from image_pipeline_tests.support.library import draw_scenes
from image_pipeline_tests.support.shell import PROGRAMS

STORE, DRAWN = ".image-pipeline", ".drawn"

# Each name of a setting's field, each documented name in small letters, and what else programs may set.
DOCUMENTED = {variable_of(name) for name in Settings.model_fields}
HOSTILE = {
    **dict.fromkeys(({name.upper() for name in Settings.model_fields} - DOCUMENTED - {"HOME"}), "hostile"),
    **dict.fromkeys((variable.lower() for variable in DOCUMENTED), "hostile"),
    **dict.fromkeys(("home", "models", "HOST", "PORT", "NAME", "STORE", "URL", "API_KEY", "DEBUG"), "hostile"),
}


class Home:
    """A person's home, in which programs run with nothing set but HOME, PATH and what a test sets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        strew_decoys(path)
        draw_scenes(path / "Photos/trip", 2)
        self.before = Snapshot.of(path)

    def environment(self, **more: str) -> dict[str, str]:
        return {"HOME": str(self.path), "PATH": os.environ["PATH"], **more}

    def run(self, program: str, *arguments: str, expected: int = 0, **environment: str) -> str:
        done = subprocess.run(
            [PROGRAMS / program, *arguments],
            env=self.environment(**environment),
            cwd=self.path,
            umask=0,  # what is made private is so by itself
            input="",
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == expected, done.stdout + done.stderr
        self.is_untouched(*arguments)
        return done.stdout

    def is_untouched(self, *arguments: str) -> None:
        assert self.before.differences(but=[STORE, DRAWN]) == [], arguments

    def dev(self, **environment: str) -> None:
        """Open the page, wait until it answers, and end it."""
        port = free_port()
        page = subprocess.Popen(
            [PROGRAMS / "image-pipeline", "dev", "--port", str(port)],
            env=self.environment(**environment),
            cwd=self.path,
            umask=0,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            ends_at = time.monotonic() + 120
            while not _answers(port):
                assert page.poll() is None and time.monotonic() < ends_at, "the page did not open"
                time.sleep(0.1)
        finally:
            os.killpg(page.pid, signal.SIGTERM)
            page.wait(60)
        self.is_untouched("dev")


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5):
            return True
    except (URLError, OSError):
        return False


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home") / "person")


@pytest.mark.parametrize("environment", [{}, HOSTILE], ids=["ordinary", "hostile"])
def test_no_command_touches_anything_of_the_person(home: Home, environment: dict[str, str]) -> None:
    def run(*arguments: str, program: str = "image-pipeline", **more: str) -> str:
        return home.run(program, *arguments, **environment, **more)

    photos = str(home.path / "Photos")
    models = ("--models", "demo,none")
    assert "2 indexed" in run("ingest", photos, *models).splitlines()[-1]
    assert "trip/a0.jpg" in run("search", "a red circle", *models)
    assert photos in run("status")
    assert "0 files are in quarantine" in run("quarantine")
    assert "trip" in run("scan", *models)
    assert "agree" in run("verify", *models)
    assert "0 missing" in run("repair", *models)
    assert "indexed" in run("history", "trip/a0.jpg")
    assert photos in run("adopt", photos)
    assert "nothing to move" in run("rescue")
    job = ("job", "execute", "-m", "image_pipeline.definitions", "-j", "ingest", "--tags")
    more = {"DAGSTER_HOME": str(home.path / STORE / "dagster"), "IMAGE_PIPELINE_MODELS": "demo,none"}
    run(*job, json.dumps({"dagster/partition": "trip"}), program="dagster", **more)
    home.dev(**environment, IMAGE_PIPELINE_MODELS="demo,none")
    if not environment:  # it has no settings
        run("demo-library", str(home.path / DRAWN))
    assert (home.path / STORE / "store.json").is_file()


def test_the_store_is_private_whatever_the_umask(home: Home) -> None:
    found = [home.path / STORE, *(home.path / STORE).rglob("*")]
    names = {path.name for path in found}
    assert {"ledger.sqlite", "content.sqlite", "catalog.json", "runs.db", "schedules.db", "qdrant.lock"} <= names
    assert {path.suffix for path in found} >= {".parquet", ".webp", ".json", ".db"}
    for path in found:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert (home.path / DRAWN).stat().st_mode & 0o777 == 0o777, "what lies outside has the usual rights"


def test_it_can_be_uninstalled(home: Home) -> None:
    (home.path / STORE / "mine.txt").write_text("mine")
    home.run("image-pipeline", "forget", expected=1)  # nobody says yes
    assert (home.path / STORE / "ledger.sqlite").exists()
    told = home.run("image-pipeline", "forget", "--yes")
    assert "mine.txt" in told, "what stays is named"
    assert [path.name for path in (home.path / STORE).iterdir()] == ["mine.txt"]
