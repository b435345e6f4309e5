"""Locks in the store: who waits says for whom."""

import json
import logging
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from image_pipeline.storage.locks import StillHeldError, exclusive_lock, holder_of


@contextmanager
def holding(lock_file: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a lock for a while; the block begins when it does."""
    program = textwrap.dedent(
        f"""
        import sys, time
        from pathlib import Path
        from image_pipeline.storage.locks import exclusive_lock
        sys.argv = ["/usr/bin/image-pipeline", "ingest", "--qdrant-api-key", "secret"]
        with exclusive_lock(Path({str(lock_file)!r}), "it"):
            print("held", flush=True)
            time.sleep({seconds})
        """
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_wait_of_more_than_a_second_names_the_holder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "it.lock"
    with holding(file, 2.5) as process, exclusive_lock(file, "the thing"):
        pass
    [record] = caplog.records
    said = record.getMessage()
    assert record.levelno == logging.WARNING and record.name.startswith("image_pipeline.")
    assert said.startswith(f"Waiting for the thing: in use by process {process.pid} (image-pipeline ingest) since 20")
    assert "secret" not in said + file.read_text()


def test_a_short_wait_is_not_worth_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with holding(tmp_path / "it.lock", 0.2), exclusive_lock(tmp_path / "it.lock", "the thing"):
        pass
    assert not caplog.records


def test_a_wait_that_lasts_too_long_names_the_holder(tmp_path: Path) -> None:
    file = tmp_path / "it.lock"
    with (
        holding(file, 60) as process,
        pytest.raises(StillHeldError, match=rf"process {process.pid} \("),
        exclusive_lock(file, "the thing", 0.3),
    ):
        pass


def test_the_name_that_a_killed_process_left_is_nobodys(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "it.lock"
    with holding(file, 60) as process:
        assert holder_of(file) is not None
    assert json.loads(file.read_text())["pid"] == process.pid and holder_of(file) is None
    with (
        FileLock(file),  # by somebody who does not say who it is
        pytest.raises(StillHeldError, match=r"^another process$"),
        exclusive_lock(file, "the thing", 1.2),
    ):
        pass
    assert [record.getMessage() for record in caplog.records] == ["Waiting for the thing: in use by another process."]


def test_a_lock_that_is_given_back_names_nobody(tmp_path: Path) -> None:
    file = tmp_path / "it.lock"
    with exclusive_lock(file, "the thing"):
        assert holder_of(file) is not None
    assert holder_of(file) is None and not file.read_text()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "host": "", "command": "", "since": 5}'])
def test_a_name_that_cannot_be_understood_is_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "it.lock"
    file.write_text(content)
    assert holder_of(file) is None
    began = time.monotonic()
    with exclusive_lock(file, "the thing"):
        assert time.monotonic() - began < 5
