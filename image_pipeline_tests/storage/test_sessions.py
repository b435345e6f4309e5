"""Sessions stay through a restart, and end by themselves, by signing out, and with the password."""

from pathlib import Path

import pytest

from image_pipeline.storage.sessions import DEVICE_SECONDS, SESSION_SECONDS, Sessions


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_session_stays_through_a_restart(tmp_path: Path, clock: Clock) -> None:
    before = Sessions(tmp_path / "sessions.sqlite", clock)
    token = before.begin("hash")
    after = Sessions(tmp_path / "sessions.sqlite", clock)
    assert after.is_open(token, "hash")
    assert after.secret == before.secret
    assert token.encode() not in (tmp_path / "sessions.sqlite").read_bytes(), "who reads the store cannot sign in"


def test_a_session_ends_with_its_time(tmp_path: Path, clock: Clock) -> None:
    sessions = Sessions(tmp_path / "sessions.sqlite", clock)
    token = sessions.begin("hash")
    clock.now += SESSION_SECONDS - 1
    assert sessions.is_open(token, "hash")
    clock.now += 1
    assert not sessions.is_open(token, "hash")


def test_signing_out_ends_one_session(tmp_path: Path, clock: Clock) -> None:
    sessions = Sessions(tmp_path / "sessions.sqlite", clock)
    one, other = sessions.begin("hash"), sessions.begin("hash")
    assert sessions.is_open(one, "hash")
    sessions.end(one)
    assert not sessions.is_open(one, "hash")
    assert sessions.is_open(other, "hash")


def test_another_process_sees_soon_that_a_session_has_ended(tmp_path: Path, clock: Clock) -> None:
    here, there = (Sessions(tmp_path / "sessions.sqlite", clock) for _ in range(2))
    token = here.begin("hash")
    assert there.is_open(token, "hash")
    here.end(token)
    clock.now += 30
    assert not there.is_open(token, "hash")


def test_another_password_ends_all_sessions(tmp_path: Path, clock: Clock) -> None:
    sessions = Sessions(tmp_path / "sessions.sqlite", clock)
    token, device = sessions.begin("hash"), sessions.remember_device("hash")
    assert not sessions.is_open(token, "another hash")
    assert not sessions.is_known_device(device, "another hash")
    assert sessions.is_open(token, "hash")


def test_a_browser_is_remembered_longer_than_its_session(tmp_path: Path, clock: Clock) -> None:
    sessions = Sessions(tmp_path / "sessions.sqlite", clock)
    device = sessions.remember_device("hash")
    clock.now += DEVICE_SECONDS - 1
    assert sessions.is_known_device(device, "hash")
    assert not sessions.is_open(device, "hash"), "it is no session"
    clock.now += 1
    assert not sessions.is_known_device(device, "hash")


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 10_000, "é" * 43, "\ud800" * 43])
def test_what_is_no_token_opens_nothing(tmp_path: Path, clock: Clock, token: str) -> None:
    sessions = Sessions(tmp_path / "sessions.sqlite", clock)
    sessions.begin("hash")
    assert not sessions.is_open(token, "hash")
