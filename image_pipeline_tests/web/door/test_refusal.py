"""Requests to the page on this machine, as browsers send them for other web pages, and as programs send them."""

import socket
import time

import pytest

from image_pipeline.web.connection import HEAD_SECONDS, MOST_HEAD_BYTES
from image_pipeline_tests.support.raw_http import ask, exchange, parsed
from image_pipeline_tests.support.served import Served

SESSION = "/api/v1/session"
LINK = {"Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document", "Sec_Fetch_Site": "cross-site"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "[::1]:1", "127.0.0.1:8600"])
def test_the_machines_own_names_are_let_in(open_page: Served, host: str) -> None:
    assert ask(open_page.port, SESSION, host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "", "a b", "[::2]", None]
)
def test_another_name_may_belong_to_a_page_that_is_led_here(open_page: Served, host: str | None) -> None:
    assert ask(open_page.port, SESSION, host=host).status in (400, 421)


def test_two_names_are_ambiguous(open_page: Served) -> None:
    head = f"GET {SESSION} HTTP/1.1\r\nConnection: close\r\nHost: localhost\r\nHost: evil.example\r\n\r\n"
    assert parsed(exchange(open_page.port, head.encode())).status in (400, 421)


def test_the_sentence_says_how_another_name_is_let_in(open_page: Served) -> None:
    assert b"add the name to IMAGE_PIPELINE_PAGE_HOSTS" in ask(open_page.port, "/", host="nas.example").body


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        LINK,
    ],
)
def test_other_pages_get_nothing_of_the_api(open_page: Served, headers: dict[str, str]) -> None:
    assert ask(open_page.port, SESSION, **headers).status == 403
    assert ask(open_page.port, "/api/v1/thumbnails/" + "0" * 64, **headers).status == 403


def test_a_link_of_another_page_opens_the_page(open_page: Served) -> None:
    assert ask(open_page.port, "/", **LINK).status != 403
    assert ask(open_page.port, "/", "POST", **LINK).status == 403


def test_a_browser_changes_something_only_with_the_token_of_the_page(open_page: Served) -> None:
    origin = {"Origin": "http://127.0.0.1", "Sec_Fetch_Site": "same-origin"}
    token = open_page.get(SESSION).json()["token"]
    assert ask(open_page.port, SESSION, "POST", **origin).status == 403
    assert ask(open_page.port, SESSION, "POST", X_CSRF_Token="0" * 64, **origin).status == 403
    assert ask(open_page.port, SESSION, "POST", X_CSRF_Token="é", **origin).status == 403
    assert ask(open_page.port, SESSION, "POST", X_CSRF_Token=token, **origin).status == 405, "it is let through"
    assert ask(open_page.port, SESSION, "POST").status == 405, "so is a program"


@pytest.mark.parametrize("address", ["/", SESSION, "/nothing", "/api/v1/thumbnails/x", "/%00", "/sign-in"])
def test_every_answer_says_what_a_browser_may_do_with_it(open_page: Served, address: str) -> None:
    headers = ask(open_page.port, address).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'; script-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


@pytest.mark.parametrize("method", ["TRACE", "OPTIONS", "PROPFIND", "CONNECT"])
def test_methods_that_nothing_here_has_are_refused(open_page: Served, method: str) -> None:
    assert ask(open_page.port, SESSION, method).status in (400, 405)


def test_a_body_that_is_announced_too_large_is_not_read(open_page: Served) -> None:
    for length in (str(65 << 20), "9" * 30, "-1", "1e3"):
        head = f"POST {SESSION} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        assert parsed(exchange(open_page.port, head.encode())).status in (400, 413)


def test_a_connection_without_a_complete_request_is_closed(open_page: Served) -> None:
    began = time.monotonic()
    assert exchange(open_page.port, b"GET / HTTP/1.1\r\nHost: localhost\r\n", HEAD_SECONDS + 20) == b""
    assert HEAD_SECONDS - 2 < time.monotonic() - began < HEAD_SECONDS + 15


def test_endless_headers_are_refused(open_page: Served) -> None:
    with socket.create_connection(("127.0.0.1", open_page.port), 30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        sent = 0
        try:
            while sent < 64 * MOST_HEAD_BYTES:
                sent += connection.send(b"x" * (1 << 16))
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 64 * MOST_HEAD_BYTES


def test_websockets_are_answered_like_any_other_request(open_page: Served) -> None:
    upgrade = {"Upgrade": "websocket", "Sec_WebSocket_Version": "13", "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    head = f"GET {SESSION} HTTP/1.1\r\nHost: evil.example\r\nConnection: Upgrade, close\r\n"
    head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in upgrade.items())
    assert parsed(exchange(open_page.port, f"{head}\r\n".encode())).status == 421
