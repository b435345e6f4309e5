"""Signing in and out, by raw requests; and what those who have not signed in see: nothing."""

import asyncio
import re
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from image_pipeline.api_keys import Keys
from image_pipeline.storage.sessions import Sessions
from image_pipeline.web.door.access import Access
from image_pipeline.web.door.door import Door
from image_pipeline.web.door.password import PasswordFile
from image_pipeline.web.door.sign_in import local_address
from image_pipeline.web.door.throttle import ATTEMPTS_A_MINUTE, FREE_ATTEMPTS
from image_pipeline_tests.support.library import Pipeline
from image_pipeline_tests.support.raw_http import Answer, ask
from image_pipeline_tests.support.served import KEY, Served
from image_pipeline_tests.support.served_page import PASSWORD, environment_of

SESSION = "/api/v1/session"
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
PAGE = {"Accept": "text/html,*/*;q=0.8"}


def sign_in(port: int, password: str, wanted: str = "/", **headers: str) -> Answer:
    """The answer to the form."""
    body = urlencode({"password": password, "next": wanted}).encode()
    return ask(port, "/sign-in", "POST", body, **FORM, **headers)


def cookies_of(port: int, **headers: str) -> httpx.Client:
    """A browser that has signed in."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
    answer = client.post("/sign-in", data={"password": PASSWORD}, headers=headers)
    assert answer.status_code == 303, answer.text
    return client


@pytest.mark.parametrize(
    "address", [SESSION, f"/api/v1/thumbnails/{'0' * 64}", "/api/v1/originals/x", "/openapi.json", "/nothing", "/"]
)
def test_without_a_key_or_the_password_nothing_is_shown(guarded_page: Served, address: str) -> None:
    answer = ask(guarded_page.port, address)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_whether_it_answers_is_told_to_everybody(guarded_page: Served) -> None:
    assert ask(guarded_page.port, "/health").body == b"alive\n"


def test_a_program_sends_a_key(guarded_page: Served) -> None:
    assert ask(guarded_page.port, SESSION, X_API_Key=KEY).status == 200
    assert ask(guarded_page.port, SESSION, Authorization=f"Bearer {KEY}").status == 200
    assert ask(guarded_page.port, SESSION, X_API_Key="a wrong key, a wrong key").status == 401


def test_a_browser_behind_a_gateway_that_adds_the_key_still_needs_the_token(guarded_page: Served) -> None:
    sent = {"X_API_Key": KEY, "Origin": "http://127.0.0.1"}
    assert ask(guarded_page.port, SESSION, "POST", **sent).status == 403
    token = guarded_page.get(SESSION, x_api_key=KEY).json()["token"]
    assert ask(guarded_page.port, SESSION, "POST", X_CSRF_Token=token, **sent).status == 405
    assert ask(guarded_page.port, SESSION, X_API_Key=KEY, Origin="http://evil.example").status == 403


def test_a_name_of_the_settings_is_let_in(guarded_page: Served) -> None:
    assert ask(guarded_page.port, "/health", host="Photos.example:443").status == 200
    assert ask(guarded_page.port, "/health", host="other.example").status == 421


def test_a_page_asks_for_the_password_and_then_shows_what_was_wanted(guarded_page: Served) -> None:
    invited = ask(guarded_page.port, "/photo?q=a%20%22b", **PAGE)
    assert invited.status == 303
    assert invited.headers["location"] == "/sign-in?next=%2Fphoto%3Fq%3Da%2520%2522b"
    form = ask(guarded_page.port, invited.headers["location"])
    assert form.status == 200
    assert b'name="next" value="/photo?q=a%20%22b"' in form.body
    answer = sign_in(guarded_page.port, PASSWORD, "/photo?q=a%20%22b")
    assert (answer.status, answer.headers["location"]) == (303, "/photo?q=a%20%22b")


def test_a_link_of_another_page_loads_the_page_again_with_its_cookies(guarded_page: Served) -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document", **PAGE}
    answer = ask(guarded_page.port, "/photo", **link)
    assert answer.status == 200
    assert b'<meta http-equiv="refresh" content="0">' in answer.body


def test_the_cookie_of_a_session_is_kept_from_scripts_and_other_sites(guarded_page: Served) -> None:
    client = cookies_of(guarded_page.port)
    plain = client.post("/sign-in", data={"password": PASSWORD})
    assert plain.status_code == 303
    for line in plain.headers.get_list("set-cookie"):
        [cookie] = SimpleCookie(line).values()
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"], cookie["path"]) == (True, "strict", "", "/")
        assert len(cookie.value) == 43
    with_tls = ask(
        *(guarded_page.port, "/sign-in", "POST", urlencode({"password": PASSWORD}).encode(), "photos.example"),
        **FORM,
        Origin="https://photos.example",
    )
    assert with_tls.status == 303
    assert "; Secure" in with_tls.headers["set-cookie"]


def test_a_session_opens_the_api_and_ends_by_signing_out(guarded_page: Served) -> None:
    client = cookies_of(guarded_page.port)
    session = client.get(SESSION).json()
    assert session["can_sign_out"] is True
    assert client.post(SESSION).status_code == 403, "a browser needs the token, even if it does not say that it is one"
    assert client.post(SESSION, headers={"X-CSRF-Token": session["token"]}).status_code == 405
    assert client.get("/sign-in", follow_redirects=False).headers["location"] == "/"
    kept = dict(client.cookies)
    assert client.post("/sign-out", data={"token": "x"}).status_code == 403
    out = client.post("/sign-out", data={"token": session["token"]})
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    for name, value in kept.items():
        client.cookies.set(name, value)
    assert client.get(SESSION).status_code == 401, "who kept the cookie has nothing"


def test_another_page_cannot_sign_anybody_in_or_out(guarded_page: Served) -> None:
    assert sign_in(guarded_page.port, PASSWORD, Origin="http://evil.example").status == 403
    body = urlencode({"token": "x"}).encode()
    assert ask(guarded_page.port, "/sign-out", "POST", body, **FORM, Sec_Fetch_Site="cross-site").status == 403


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("/photo?q=a&b=%2F", "/photo?q=a&b=%2F"),
        ("/", "/"),
        ("", "/"),
        ("photo", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/\t/evil.example", "/"),
        ("/ü", "/"),
        ("/sign-out", "/"),
        ("/" + "a" * 5000, "/"),
    ],
)
def test_only_pages_of_this_program_are_shown_after_signing_in(wanted: str, kept: str) -> None:
    assert local_address(wanted) == kept


def test_what_was_wanted_is_text_in_the_form(guarded_page: Served) -> None:
    form = ask(guarded_page.port, "/sign-in?" + urlencode({"next": '/"><script>alert(1)</script>'}))
    assert b"<script" not in form.body
    assert b"&lt;script&gt;" in form.body


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content_Type": "application/json"}, 415),
        (b"password=" + b"x" * 20_000, FORM, 413),
        (b"password=\xff", FORM, 413),
        (b"&".join([b"a=b"] * 100), FORM, 413),
        (b"password=" + b"x" * 5000, FORM, 403),
        (b"", FORM, 403),
    ],
)
def test_forms_that_no_browser_sends(guarded_page: Served, body: bytes, headers: dict[str, str], status: int) -> None:
    answer = ask(guarded_page.port, "/sign-in", "POST", body, **headers)
    assert answer.status == status
    cookies_of(guarded_page.port)  # the right password makes the failures forgotten


def test_a_form_that_trickles_in_is_given_up(
    indexed: Pipeline, password_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("image_pipeline.web.door.sign_in._FORM_SECONDS", 0.2)
    sessions = Sessions(tmp_path / "sessions.sqlite")
    app = Door(FastAPI(), Access(Keys(), PasswordFile(password_file), sessions), ["localhost"])
    answer: list[Message] = []

    async def trickle() -> Message:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"p", "more_body": True}

    async def note(message: Message) -> None:
        answer.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": "POST", "path": "/sign-in", "query_string": b"", "headers": headers}
    asyncio.run(app(scope, trickle, note))
    assert answer[0]["status"] == 408


def test_the_form_needs_no_script_and_says_what_is_wrong(guarded_page: Served) -> None:
    answer = sign_in(guarded_page.port, "wrong")
    text = answer.body.decode()
    assert answer.status == 403
    assert "<script" not in text
    assert 'role="alert">This is not the password.</p>' in text
    assert '<label for="password">' in text
    assert re.search(r"<title>This is not the password. – Sign in – Photographs</title>", text)
    style = ask(guarded_page.port, "/sign-in.css")
    assert style.headers["content-type"].startswith("text/css")
    assert PASSWORD not in guarded_page.log
    cookies_of(guarded_page.port)


def test_guessing_is_slowed_down_but_not_for_who_is_in_or_was_in(
    indexed: Pipeline, password_file: Path, tmp_path: Path
) -> None:
    environment = environment_of(indexed) | {"IMAGE_PIPELINE_PAGE_PASSWORD_FILE": str(password_file)}
    with Served(tmp_path, environment, "serve") as served:
        client = cookies_of(served.port)
        answers = [sign_in(served.port, "wrong") for _ in range(FREE_ATTEMPTS + 1)]
        assert [answer.status for answer in answers] == [403] * FREE_ATTEMPTS + [429]
        assert answers[-1].headers["retry-after"] == "1"
        assert sign_in(served.port, PASSWORD).status == 429, "the right password does not show that it is right"
        assert client.get(SESSION).status_code == 200
        assert client.post("/sign-in", data={"password": PASSWORD}).status_code == 303, "a known browser"
        assert FREE_ATTEMPTS < ATTEMPTS_A_MINUTE


def test_a_restart_ends_no_session_and_another_password_all(
    indexed: Pipeline, password_file: Path, tmp_path: Path
) -> None:
    own = tmp_path / "hash"
    own.write_bytes(password_file.read_bytes())
    environment = environment_of(indexed) | {"IMAGE_PIPELINE_PAGE_PASSWORD_FILE": str(own)}
    with Served(tmp_path, environment, "serve") as served:
        client = cookies_of(served.port)
    with Served(tmp_path, environment, "serve") as served:
        client.base_url = httpx.URL(f"http://127.0.0.1:{served.port}")
        assert client.get(SESSION).status_code == 200
        own.write_text("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43 + "\n")
        assert client.get(SESSION).status_code == 401
        own.unlink()
        assert client.get(SESSION).status_code == 503
