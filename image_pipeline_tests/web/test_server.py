"""The process of the page: when it starts, when it refuses to, and how it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from image_pipeline.web.door.password import PasswordFile
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.moments import wait_until
from image_pipeline_tests.support.raw_http import ask
from image_pipeline_tests.support.served import KEY, Began, Served
from image_pipeline_tests.support.served_page import PASSWORD, environment_of
from image_pipeline_tests.support.shell import PROGRAM, Shell


def refused(shell: Shell, *options: str, **environment: str) -> str:
    """The line with which it refuses to start."""
    done = shell.run("serve", *options, **environment)
    assert done.returncode in (1, 2), done
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return line.removeprefix("image-pipeline: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_it_listens_to_others_only_with_a_password_or_a_key(shell: Shell, host: str) -> None:
    assert refused(shell, "--host", host) == (
        f"Anybody who reaches {host} could see the photographs: set IMAGE_PIPELINE_PAGE_PASSWORD_FILE to a file made "
        "with `image-pipeline hash-password`, or IMAGE_PIPELINE_API_KEY_FILE, or listen on 127.0.0.1."
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        ("", "holds no hash of a password"),
        (PASSWORD, "holds no hash of a password"),
        ("$argon2i$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43, "holds no hash of a password"),
        ("$2b$12$" + "a" * 53, "holds no hash of a password"),
    ],
)
def test_a_file_without_a_hash_is_refused_with_the_remedy(
    shell: Shell, tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "hash"
    if content is not None:
        file.write_text(content)
    line = refused(shell, IMAGE_PIPELINE_PAGE_PASSWORD_FILE=str(file))
    assert said in line
    assert "`image-pipeline hash-password`" in line
    assert PASSWORD not in line


def test_a_short_key_is_refused(shell: Shell) -> None:
    assert "openssl rand" in refused(shell, IMAGE_PIPELINE_API_KEY="short")


def test_a_port_that_is_taken_is_named(shell: Shell) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        line = refused(shell, "--port", str(port))
    assert line == f"Port {port} is taken by another program: stop that program, or choose another port with --port."


def test_a_name_instead_of_an_address_is_refused(shell: Shell) -> None:
    assert "give a numeric address" in refused(shell, "--host", "photos.example")


def test_it_says_where_it_is(open_page: Served) -> None:
    first = open_page.log.splitlines()[0]
    assert first == f"image-pipeline: The page is on http://127.0.0.1:{open_page.port} (Ctrl-C ends it)."


def test_it_warns_that_the_way_is_open(guarded_page: Served) -> None:
    assert "unless a proxy with TLS is in front" in guarded_page.log


def test_its_logs_are_json_if_the_settings_say_so(indexed: Pipeline, tmp_path: Path) -> None:
    environment = environment_of(indexed) | {"IMAGE_PIPELINE_LOG_FORMAT": "json"}
    with Served(tmp_path, environment, "serve") as served:
        [line] = served.log.splitlines()
    assert json.loads(line)["message"] == f"The page is on http://127.0.0.1:{served.port} (Ctrl-C ends it)."


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_ends_it_at_once_even_with_open_connections(
    indexed: Pipeline, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with Served(tmp_path, environment_of(indexed), "serve") as served:
        with closing(socket.create_connection(("127.0.0.1", served.port), 5)) as idle:
            idle.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(100).startswith(b"HTTP/1.1 200")
            began = time.monotonic()
            os.killpg(served.process.pid, number)
            assert served.process.wait(20) == code
            assert time.monotonic() - began < 5
        assert "Traceback" not in served.log


def test_it_serves_an_address_of_ipv6(indexed: Pipeline, tmp_path: Path) -> None:
    with Began(tmp_path, environment_of(indexed), "serve", "--host", "::1") as served:
        assert wait_until(lambda: f"http://[::1]:{served.port}" in served.log, 60), served.log


def test_the_address_that_it_listens_on_may_be_opened(indexed: Pipeline, tmp_path: Path) -> None:
    environment = environment_of(indexed) | {"IMAGE_PIPELINE_API_KEY": KEY}
    with Served(tmp_path, environment, "serve", "--host", "0.0.0.0") as served:
        with socket.create_connection(("127.0.0.2", served.port), 5) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.2\r\nConnection: close\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        assert ask(served.port, "/health", host="127.0.0.2").status == 421, "it has arrived at another one"


def test_a_hash_is_made_of_a_line_and_differs_each_time(password_file: Path) -> None:
    made = [
        subprocess.run([PROGRAM, "hash-password"], input=f"{PASSWORD}\r\n", capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    hashes = {password_file.read_text(), *(done.stdout for done in made)}
    assert len(hashes) == 3
    for text in hashes:
        assert re.fullmatch(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+\n", text)
    (password_file.parent / "again").write_text(made[0].stdout)
    assert PasswordFile(password_file.parent / "again").accepts(PASSWORD)
    assert not PasswordFile(password_file.parent / "again").accepts(PASSWORD + "x")


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
def test_a_password_of_the_wrong_length_is_refused(password: str) -> None:
    done = subprocess.run([PROGRAM, "hash-password"], input=f"{password}\n", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "choose one with 8 to 1024" in done.stderr


def test_the_database_of_sessions_is_private(open_page: Served, indexed: Pipeline) -> None:
    assert ask(open_page.port, "/nothing").body == b'{"error":{"code":"refused","message":"Not Found."}}'
    assert (indexed.settings.home / "sessions.sqlite").stat().st_mode & 0o777 == 0o600
