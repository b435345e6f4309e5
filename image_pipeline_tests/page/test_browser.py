"""A real browser that has a stranger's page open beside the pipeline's: what the stranger gets, and the person."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from image_pipeline_tests.page.program import Dev, add_partition
from image_pipeline_tests.support.moments import wait_until

# Each tries to make a partition known to Dagster, by another way; the key says which way had an effect.
_ATTACKS = """
async ([page, mutations]) => {
  const address = (way) => `${page}/graphql?query=${encodeURIComponent(mutations[way])}`
  const body = (way) => JSON.stringify({query: mutations[way]})
  const told = {}
  const attempt = async (way, act) => {
    try { told[way] = String(await act()) } catch (error) { told[way] = 'failed' }
  }
  const settled = (element, start) => new Promise((resolve) => {
    for (const event of ['load', 'error']) element.addEventListener(event, () => resolve(event))
    start()
    setTimeout(() => resolve('late'), 5000)
  })
  const inFrame = async (prepare) => {
    const frame = document.createElement('iframe')
    frame.name = 'frame' + document.querySelectorAll('iframe').length
    return settled(frame, () => { document.body.append(frame); prepare(frame) })
  }
  const form = (way, enctype) => inFrame((frame) => {
    const form = document.createElement('form')
    Object.assign(form, {action: address(way), method: 'POST', enctype, target: frame.name})
    form.innerHTML = '<input name="a" value="b">'
    document.body.append(form)
    form.submit()
  })
  const post = (url, mode, type, text) =>
    fetch(url, {method: 'POST', mode, headers: type ? {'Content-Type': type} : {}, body: text}).then((a) => a.status)

  await attempt('image', () => { const i = new Image(); return settled(i, () => { i.src = address('image') }) })
  await attempt('script', () => {
    const s = document.createElement('script')
    return settled(s, () => { s.src = address('script'); document.body.append(s) })
  })
  await attempt('frame', () => inFrame((frame) => { frame.src = address('frame') }))
  await attempt('window', () => { window.open(address('window')); return 'opened' })
  await attempt('text', () => post(address('text'), 'no-cors', 'text/plain', body('text')))
  const disguised = 'text/plain; application/json'
  await attempt('disguised', () => post(`${page}/graphql`, 'no-cors', disguised, body('disguised')))
  await attempt('empty', () => post(address('empty'), 'no-cors'))
  const blob = new Blob([body('beacon')], {type: 'text/plain'})
  await attempt('beacon', () => navigator.sendBeacon(address('beacon'), blob))
  await attempt('form', () => form('form', 'application/x-www-form-urlencoded'))
  await attempt('parts', () => form('parts', 'multipart/form-data'))
  await attempt('json', () => post(`${page}/graphql`, 'cors', 'application/json', body('json')))
  await attempt('report', () => post(`${page}/report_asset_materialization/stolen`, 'no-cors'))
  await attempt('read', () => fetch(`${page}/graphql?query={version}`).then((a) => a.text()))
  await attempt('socket', () => new Promise((resolve) => {
    const socket = new WebSocket(`${page.replace('http', 'ws')}/graphql`, 'graphql-ws')
    socket.onopen = () => resolve('opened')
    socket.onerror = () => resolve('refused')
  }))
  return told
}
"""
_WAYS = ["image", "script", "frame", "window", "text", "disguised", "empty", "beacon", "form", "parts", "json"]

_PICTURES = """
(addresses) => Promise.all(addresses.map((address) => new Promise((resolve) => {
  const image = new Image()
  image.onload = image.onerror = resolve
  image.src = address
})))
"""

_OWN_REQUEST = """
async (body) => {
  const answer = await fetch('/graphql', {method: 'POST', headers: {'Content-Type': 'application/json'}, body})
  return [answer.status, await answer.text()]
}
"""


class _Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>kittens</title><body>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def stranger() -> Iterator[int]:
    """The port of a web server of a stranger's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """A browser in which every name of a stranger's leads to this machine, as it may by a name server of his."""
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
    names = "--host-resolver-rules=MAP *.stranger.example 127.0.0.1, MAP photos.example 127.0.0.1"
    # newer ones ask the person before a page of the internet reaches this machine; others do not
    unasked = "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-component-update", names, unasked, *quiet]
        )
        yield browser
        browser.close()


@contextmanager
def _window(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    try:
        opened = context.new_page()
        opened.set_viewport_size({"width": 1400, "height": 1000})
        yield opened
    finally:
        context.close()


@pytest.mark.parametrize("name", ["www.stranger.example", "attacker.localhost", "127.0.0.1"])
def test_a_page_of_another_origin_has_no_effect(page: Dev, browser: Browser, stranger: int, name: str) -> None:
    keys = {way: f"{way} from {name}" for way in _WAYS}
    with _window(browser) as opened:
        opened.goto(f"http://{name}:{stranger}/")
        told = opened.evaluate(_ATTACKS, [page.url, {way: add_partition(key) for way, key in keys.items()}])
        opened.wait_for_timeout(500)  # what was only sent, and not waited for
        framed = [frame.url for frame in opened.frames[1:]]
    assert set(page.partitions()).isdisjoint(keys.values()), told
    assert (told["socket"], told["read"], told["json"]) == ("refused", "failed", "failed")
    assert len(framed) == 3 and not any(url.startswith(page.url) for url in framed), "nothing can be framed"
    assets = page.graphql("{ assetsOrError { ... on AssetConnection { nodes { key { path } } } } }")
    assert "stolen" not in json.dumps(assets)


def test_a_page_behind_a_name_without_tls_is_not_changed_by_a_picture(
    page: Dev, browser: Browser, stranger: int
) -> None:
    """Of a picture, a browser says there neither which page asks for it nor from which site."""
    ways = ["%0a", "%0d", "%0A%0A", "%00", "%c2%85", "%e2%80%a8", "/", "//", "%2f", "/.", "?", ";", "%3f"]
    keys = {way: f"picture {number}" for number, way in enumerate(ways)}
    addresses = [
        f"http://photos.example:{page.port}/graphql{way}?query={quote(add_partition(key))}" for way, key in keys.items()
    ]
    with _window(browser) as opened:
        opened.goto(f"http://www.stranger.example:{stranger}/")
        opened.evaluate(_PICTURES, addresses)
    assert set(page.partitions()).isdisjoint(keys.values())


def test_a_name_that_was_made_to_lead_here_has_no_effect(page: Dev, browser: Browser) -> None:
    name = f"http://rebound.stranger.example:{page.port}"
    with _window(browser) as opened:
        # what the stranger's own server gave before its name led elsewhere
        opened.route(f"{name}/", lambda route: route.fulfill(content_type="text/html", body="<!doctype html>"))
        opened.goto(f"{name}/")
        status, text = opened.evaluate(_OWN_REQUEST, json.dumps({"query": add_partition("rebound")}))
    assert (status, "rebound" in page.partitions()) == (421, False), text


def test_a_person_works_with_the_page(tmp_path: Path, browser: Browser) -> None:
    """Materialize an asset by its button, and read in its log how it went, which comes over a subscription."""
    with Dev(tmp_path) as page, _window(browser) as opened:  # one that has a Qdrant: the other names one that is none
        page.wait_until_open()
        page.graphql(add_partition("trip"))
        opened.set_default_timeout(120_000)
        errors: list[str] = []
        received: list[str] = []
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))))
        opened.goto(f"{page.url}/assets/discovered_files")
        opened.get_by_role("button", name="Materialize").first.click()
        dialog = opened.get_by_role("dialog")
        dialog.get_by_role("button", name="All", exact=True).click()
        dialog.get_by_role("button", name="Launch 1 run").click()
        opened.get_by_text("Launched run").wait_for()
        [run] = page.graphql("{ runsOrError { ... on Runs { results { runId } } } }")["runsOrError"]["results"]
        opened.goto(f"{page.url}/runs/{run['runId']}")
        assert wait_until(lambda: opened.wait_for_timeout(200) or any("RunSuccessEvent" in f for f in received), 300), (
            page.log
        )
        opened.get_by_text("RUN_SUCCESS").first.wait_for()
        assert errors == []
