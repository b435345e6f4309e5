"""Requests to the open page, as browsers send them for other web pages and as programs send them for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import dagster_webserver
import pytest
from dagster_webserver.webserver import DagsterWebserver

from image_pipeline.page.guard import NOT_APP
from image_pipeline_tests.page.program import Dev, add_partition

JSON = {"Content-Type": "application/json"}
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}
LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "graphql-ws",
}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


def _mutation(key: str) -> str:
    return json.dumps({"query": add_partition(key)})


def _in_address(key: str) -> str:
    return f"/graphql?query={quote(add_partition(key))}"


REFUSED: dict[str, tuple[int, str, str, str | None, Mapping[str, str]]] = {
    "a mutation as GET": (405, "GET", _in_address("k1"), None, {}),
    "one behind a query": (
        *(405, "GET", f"/graphql?query={quote('query a { version } ' + add_partition('k2'))}&operationName=", None),
        {},
    ),
    "one of two in the address": (405, "GET", f"{_in_address('k3')}&query=%7Bversion%7D", None, {}),
    "one for GraphiQL": (405, "GET", _in_address("k4"), None, {"Accept": "text/html"}),
    "one behind a line's end": (
        *(400, "GET", _in_address("k20").replace("/graphql", "/graphql%0a"), None),
        {"Host": "photos.example"},
    ),
    "one in a path that ends otherwise": (405, "GET", _in_address("k21").replace("/graphql", "/graphql/"), None, {}),
    "one of the home page": (405, "HEAD", _in_address("k22").replace("/graphql", "/"), None, {}),
    "one in the body of a GET": (400, "GET", "/graphql?query=%7Bversion%7D", _mutation("k23"), JSON),
    "one that is nested too deeply": (
        *(405, "GET", f"/graphql?query={quote('mutation' + '{a' * 3000)}", None),
        {},
    ),
    "a path with a NUL": (400, "GET", "/runs%00", None, {}),
    "a way out of the logs": (404, "GET", "/logs/../x.out", None, {}),
    "a notebook": (404, "GET", "/notebook?repoLocName=x&path=/tmp/x.ipynb", None, {}),
    "a notebook at its old address": (404, "GET", "/dagit/notebook?repoLocName=x&path=/tmp/x.ipynb", None, {}),
    "a link to a query": (403, "GET", "/graphql?query=%7Bversion%7D", None, {**CROSS_SITE, **LINK}),
    "a link to a log": (403, "GET", "/logs/run/compute_logs/x.err", None, {**CROSS_SITE, **LINK}),
    "a link to a run's records": (403, "GET", "/download_debug/x", None, {**CROSS_SITE, **LINK}),
    "a form": (415, "POST", _in_address("k5"), "a=b", {"Content-Type": "application/x-www-form-urlencoded"}),
    "plain text": (415, "POST", _in_address("k6"), _mutation("k6"), {"Content-Type": "text/plain"}),
    "text that is called JSON": (
        415,
        "POST",
        "/graphql",
        _mutation("k7"),
        {"Content-Type": "text/plain; application/json"},
    ),
    "several parts": (415, "POST", _in_address("k8"), "--x--", MULTIPART),
    "GraphQL as such": (415, "POST", "/graphql", add_partition("k9"), {"Content-Type": "application/graphql"}),
    "nothing said of the body": (415, "POST", _in_address("k10"), None, {}),
    "another origin": (403, "POST", "/graphql", _mutation("k11"), {**JSON, "Origin": "http://evil.example"}),
    "another port of this machine": (
        403,
        "POST",
        "/graphql",
        _mutation("k12"),
        {**JSON, "Origin": "http://127.0.0.1:1"},
    ),
    "an origin that is hidden": (403, "POST", "/graphql", _mutation("k13"), {**JSON, "Origin": "null"}),
    "another site": (403, "POST", "/graphql", _mutation("k14"), {**JSON, **CROSS_SITE}),
    "another page of the site": (403, "POST", "/graphql", _mutation("k15"), {**JSON, "Sec-Fetch-Site": "same-site"}),
    "another name": (421, "POST", "/graphql", _mutation("k16"), {**JSON, "Host": "evil.example"}),
    "a name that begins like one": (
        421,
        "POST",
        "/graphql",
        _mutation("k17"),
        {**JSON, "Host": "127.0.0.1.evil.example"},
    ),
    "no name": (421, "POST", "/graphql", _mutation("k18"), {**JSON, "Host": ""}),
    "what may be read": (421, "GET", "/graphql?query=%7Bversion%7D", None, {"Host": "evil.example:3000"}),
    "a picture of another page": (403, "GET", "/graphql?query=%7Bversion%7D", None, CROSS_SITE),
    "a frame of another page": (
        *(403, "GET", "/", None),
        {**CROSS_SITE, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ),
    "a form that opens a window": (403, "POST", "/graphql", _mutation("k19"), {**JSON, **CROSS_SITE, **LINK}),
    "a question whether it may": (
        *(403, "OPTIONS", "/graphql", None),
        {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
    ),
    "a report": (415, "POST", "/report_asset_materialization/evil", None, {}),
    "a report of another page": (403, "POST", "/report_asset_check/evil?passed=true", "{}", {**JSON, **CROSS_SITE}),
    "an observation": (415, "POST", "/report_asset_observation/evil", "", {"Content-Type": "text/plain"}),
    "a subscription of another page": (403, "GET", "/graphql", None, {**UPGRADE, "Origin": "http://evil.example"}),
    "a subscription that opens a window": (403, "GET", "/graphql", None, {**UPGRADE, **CROSS_SITE, **LINK}),
    "a subscription by another name": (421, "GET", "/graphql", None, {**UPGRADE, "Host": "evil.example"}),
}


@pytest.mark.parametrize(("status", "method", "path", "body", "headers"), REFUSED.values(), ids=REFUSED.keys())
def test_what_another_page_may_send_is_refused_with_a_sentence(
    page: Dev, status: int, method: str, path: str, body: str | None, headers: Mapping[str, str]
) -> None:
    answer = page.request(method, path, body, headers)
    assert answer.status == status, answer.text
    assert method == "HEAD" or (answer.text.count("\n") == 1 and answer.text.endswith(".\n"))
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_nothing_came_of_what_was_refused(page: Dev) -> None:
    for _, method, path, body, headers in REFUSED.values():
        page.request(method, path, body, headers)
    assert not [key for key in page.partitions() if key.startswith("k")]
    assert "handshake" not in page.log, "what is refused is no error of the page's"
    assets = page.graphql("{ assetsOrError { ... on AssetConnection { nodes { key { path } } } } }")
    assert "evil" not in json.dumps(assets)


def test_the_guard_knows_all_that_a_link_must_not_open() -> None:
    """Of Dagster's routes, all that are not the page's HTML or a file beside it."""
    routes = DagsterWebserver(None, app_path_prefix="").build_routes()  # type: ignore[type-var, arg-type]
    files = {entry.name for entry in (Path(dagster_webserver.__file__).parent / "webapp/build").iterdir()}
    first_parts = {route.path.split("/")[1] for route in routes}  # type: ignore[attr-defined]
    assert first_parts - files - {"", "{path:path}"} == NOT_APP


def test_a_program_on_this_machine_may_send_json(page: Dev) -> None:
    page.graphql(add_partition("trip"))
    assert "trip" in page.partitions()
    answer = page.request("GET", "/graphql?query=%7Bversion%7D")
    assert answer.status == 200 and "version" in answer.text
    spelled = page.request(
        "POST", "/graphql", '{"query": "{ version }"}', {"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert spelled.status == 200 and "version" in spelled.text
    reported = page.request("POST", "/report_asset_materialization/reported", "{}", JSON)
    assert (reported.status, reported.text) == (200, "{}")


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.:3000",
        "[::1]",
        "localhost:8080",
        "photos.example",
        "192.168.1.5:3000",
    ],
)
def test_the_page_answers_to_the_names_of_its_machine_and_of_the_settings(page: Dev, name: str) -> None:
    own = {**JSON, "Host": name, "Origin": f"http://{name.lower()}", "Sec-Fetch-Site": "same-origin"}
    assert page.request("POST", "/graphql", '{"query": "{ version }"}', own).status == 200
    assert page.request("GET", "/graphql", None, {**UPGRADE, **own}).status == 101
    behind_tls = {**own, "Origin": f"https://{name.lower()}"}
    assert page.request("POST", "/graphql", '{"query": "{ version }"}', behind_tls).status == 200


def test_a_link_opens_the_page_and_no_other_page_can_frame_it_or_take_it_in(page: Dev) -> None:
    answer = page.request("GET", "/runs", None, {**CROSS_SITE, **LINK})
    assert answer.status == 200 and "<html" in answer.text
    for path in ("/runs", "/server_info", "/graphql?query=%7Bversion%7D", "/favicon.svg"):
        headers = page.request("GET", path).headers
        policies = ", ".join(headers.get_all("Content-Security-Policy") or [])
        assert "frame-ancestors 'self'" in policies and headers["X-Frame-Options"] == "SAMEORIGIN", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["Referrer-Policy"] == "same-origin", path
        assert headers["Cross-Origin-Resource-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert "Access-Control-Allow-Origin" not in headers, path


def test_no_secret_can_be_read_on_the_page(page: Dev) -> None:
    resources = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
        allTopLevelResourceDetails { name description configFields { name } configuredValues { key value }
          nestedResources { name type } } } } } }"""
    told = page.graphql(resources)
    details = told["repositoriesOrError"]["nodes"][0]["allTopLevelResourceDetails"]
    assert {detail["name"] for detail in details} >= {"store", "decoding", "inference", "qdrant"}
    assert not any(detail["configFields"] or detail["configuredValues"] for detail in details)
    told |= page.graphql("{ instance { info } }")
    assert "secret" not in json.dumps(told) and "pass-of-url" not in json.dumps(told)


@pytest.mark.parametrize(
    "config",
    [
        {"resources": {"qdrant": {"config": {"url": {"env": "QDRANT_API_KEY"}}}}},
        {"resources": {"store": {"config": {"home": "/tmp/elsewhere"}}}},
        {"resources": {"store": {"config": {"settings": {"home": "/tmp/elsewhere"}}}}},
        {"resources": {"io_manager": {"config": {"base_dir": "/tmp/elsewhere"}}}},
        {"execution": {"config": {"step_dependency_config": {"require_upstream_step_success": False}}}},
        {"ops": {"qdrant_collection": {"config": {"anything": 1}}}},
    ],
)
def test_a_run_config_that_says_more_than_it_may_is_refused(page: Dev, config: Mapping[str, object]) -> None:
    told = page.launch(config=config, tags={"dagster/partition": "trip"})
    assert told["__typename"] == "RunConfigValidationInvalid"
    assert "Received unexpected config entr" in told["errors"][0]["message"]


def test_a_run_config_names_no_environment_variable_and_no_level_that_is_none(page: Dev) -> None:
    told = page.launch("retire", {"ops": {"retire_partitions": {"config": {"keys": [{"env": "QDRANT_API_KEY"}]}}}})
    assert told["__typename"] == "RunConfigValidationInvalid"
    assert "secret" not in json.dumps(told)
    level = {"loggers": {"console": {"config": {"log_level": "NOPE"}}}}
    told = page.launch("ingest", level, {"dagster/partition": "trip"})
    assert told["__typename"] == "RunConfigValidationInvalid"
    assert "NOPE" in told["errors"][0]["message"]
