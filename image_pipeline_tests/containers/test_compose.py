"""docker-compose.yml on a real engine: what a person does with it, what goes wrong, and what must not be possible.

The tests share one system and build on each other, in the order of the file.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from image_pipeline_tests.containers.stack import PROJECT, ROOT, Stack, run
from image_pipeline_tests.support.moments import wait_until

NEEDED = "IMAGE_PIPELINE_TESTS_NEED_ENGINE"
_OURS = ("code", "daemon", "search", "webserver", "docker-launch", "docker-stop", "exporter", "models")
_PATIENCE = 240.0
_WORKING_SECONDS = 2.0
"""How long a run may work before something is killed; 1,000 files take it several seconds."""

_MANY = 1000
"""Files that a run needs some seconds for: they differ in their last bytes, so that a model sees only one of them."""

pytestmark = [pytest.mark.timeout(1200), pytest.mark.compose]


def _has_engine() -> bool:
    if shutil.which("docker") is None:
        return False
    command = ["docker", "compose", "version"], ["docker", "version"]
    return all(subprocess.run(one, capture_output=True, check=False).returncode == 0 for one in command)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if not _has_engine():
        message = "no Docker engine answers: start one to test docker-compose.yml"
        if os.environ.get(NEEDED):
            pytest.fail(message)
        pytest.skip(message)
    with Stack(tmp_path_factory.mktemp("compose")) as stack:
        stack.up()
        yield stack


def _points(stack: Stack) -> int:
    return int(json.loads(stack.cli("status", "--json"))["points"])


def _published(stack: Stack, service: str) -> list[dict[str, str]]:
    ports = stack.inspect(service)["NetworkSettings"]["Ports"] or {}
    return [one for bound in ports.values() for one in bound or []]


def _agrees(stack: Stack) -> bool:
    printed = stack.cli("verify", "--json", check=False).splitlines()
    return any(json.loads(line)["ok"] for line in printed if line.startswith("{"))


def _begun(stack: Stack, directory: str) -> str:
    """The container of a run for a new directory that was launched on the page, while it reads the files."""
    before = set(stack.runs())
    stack.add(directory, _MANY)
    stack.cli("scan")
    stack.launch(directory)
    assert wait_until(lambda: bool(set(stack.runs("running")) - before), _PATIENCE), "no run began"
    [container] = set(stack.runs("running")) - before
    [described] = json.loads(run(["docker", "inspect", container], stack.folder))
    run_id = described["Config"]["Labels"]["dagster/run_id"]

    def has_started() -> bool:
        time.sleep(0.5)  # the gateway limits how often one may ask
        query = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
        return bool(stack.graphql(query, id=run_id)["runOrError"]["status"] == "STARTED")

    # Dagster takes minutes to notice that a container has died before its run began
    assert wait_until(has_started, _PATIENCE), "the run did not begin"
    time.sleep(_WORKING_SECONDS)
    return container


def _becomes(stack: Stack, indexed: int) -> bool:
    """Whether the exporter soon counts so many files in the collection."""
    return wait_until(lambda: stack.indexed == indexed, _PATIENCE)


def test_the_sensor_ingests_the_library_in_a_container(stack: Stack) -> None:
    assert _becomes(stack, 6), stack.compose("logs", "daemon", "code", check=False)
    assert stack.runs()
    assert _points(stack) == 6


def test_a_run_can_be_followed_through_all_services(stack: Stack) -> None:
    [container] = stack.runs()[-1:]
    [described] = json.loads(run(["docker", "inspect", container], stack.folder))
    run_id = described["Config"]["Labels"]["dagster/run_id"]
    assert run_id in run(["docker", "logs", container], stack.folder, check=False)
    for service in ("daemon", "docker-launch", "models"):
        assert run_id in stack.compose("logs", service), service

    def spans() -> list[dict[str, Any]]:
        container = stack.compose("ps", "--quiet", "collector").strip()
        found = map(json.loads, run(["docker", "logs", container], stack.folder).splitlines())
        return [span for span in found if span["trace"] == run_id.replace("-", "")]

    def services() -> set[str]:
        return {span["service"] for span in spans()}

    assert wait_until(lambda: services() == {"image-pipeline", "image-pipeline-models"}, 30), spans()
    names = {span["name"] for span in spans()}
    assert names >= {"run ingest", "decoded_tensors", "/qdrant.Points/Upsert", "POST /api/v1/embed"}
    known = {span["id"] for span in spans()}
    assert [span["name"] for span in spans() if span["parent"] not in known] == ["run ingest"]


def test_everything_works_from_the_command_line(stack: Stack) -> None:
    assert "a0.jpg" in stack.cli("search", "--directory", "trips", "--limit", "6")
    stack.add("trips/sea", 3)
    stack.cli("ingest")
    assert _points(stack) == 9
    assert _agrees(stack)


def test_the_daemon_leaves_a_run_of_the_command_line_alone(stack: Stack) -> None:
    stack.add("slow", 2 * _MANY)
    stack.cli("ingest")  # it takes longer than the daemon waits between two looks at the runs
    query = "{ runsOrError(limit: 20) { ... on Runs { results { status tags { key value } } } } }"
    runs = stack.graphql(query)["runsOrError"]["results"]
    tags = [({tag["key"]: tag["value"] for tag in run["tags"]}, run["status"]) for run in runs]
    own = [
        status
        for found, status in tags
        if found.get("dagster/asset_partition_range_end") == "slow" and "docker/container_id" not in found
    ]
    assert own == ["SUCCESS"], tags


def test_the_page_needs_the_password(stack: Stack) -> None:
    closed = (
        "/",
        "/api/v1/search?q=x",
        "/health",
        "/sign-in",
        "/ping",
        "/dagster",
        "/dagster/graphql",
        "/prometheus/graph",
    )
    for path in closed:
        assert stack.get(path)[0] == 401, path
        assert stack.get(path, "wrong")[0] == 401, path
    status, page = stack.get("/dagster", stack.password)
    assert status == 200
    assert "Dagster" in page
    assert stack.get("/prometheus/-/ready", stack.password)[0] == 200
    for path in ("/", "/dagster"):
        status, refusal = stack.get(path, stack.password, host="evil.example")
        assert status == 421, path
        assert "evil.example" in refusal


def test_photographs_are_found_on_the_page(stack: Stack) -> None:
    status, page = stack.get("/", stack.password)
    assert status == 200
    assert "<title>" in page

    def answer(path: str) -> Any:
        status, text = stack.get(f"/api/v1{path}", stack.password)
        assert status == 200, text
        return json.loads(text)

    found = answer("/search")["photographs"]
    assert len(found) >= 2
    assert answer(f"/photos/{found[0]['id']}")["path"] in found[0]["paths"]
    for path in (f"/api/v1/thumbnails/{found[0]['sha256']}", f"/api/v1/originals/{found[0]['id']}"):
        assert stack.get(path, stack.password)[0] == 200, path
    assert stack.get(f"/api/v1/thumbnails/{found[0]['sha256']}?size=1024", stack.password)[0] == 200
    assert answer("/status")["points"] == _points(stack)


def test_the_page_is_closed_to_those_who_go_round_the_gateway(stack: Stack) -> None:
    ask = "import httpx; print(httpx.get('http://ADDRESS', headers={'Host': 'localhost'}).status_code)"
    for address in ("webserver:3000/dagster/server_info", "search:8600/api/v1/status"):
        asked = ask.replace("ADDRESS", address)
        assert stack.compose("exec", "--no-TTY", "webserver", "python", "-c", asked).strip() == "401", address


def test_a_backfill_from_the_page_runs_in_containers(stack: Stack) -> None:
    before = set(stack.runs())
    launched = stack.graphql(
        """mutation($backfill: LaunchBackfillParams!) {
             launchPartitionBackfill(backfillParams: $backfill) {
               __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }""",
        backfill={
            "assetSelection": [{"path": [name]} for name in ("discovered_files", "content_hashes")],
            "partitionNames": ["trips/lake", "trips/hills", "trips/sea"],
        },
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched

    def is_over() -> bool:
        query = (
            "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
        )
        status = stack.graphql(query, id=launched["backfillId"])["partitionBackfillOrError"]["status"]
        assert "FAIL" not in status
        time.sleep(2)  # the gateway limits how often one may ask
        return bool(status == "COMPLETED_SUCCESS")

    assert wait_until(is_over, _PATIENCE)
    assert set(stack.runs()) - before


def test_a_killed_run_is_done_again(stack: Stack) -> None:
    before, points = set(stack.runs()), _points(stack)
    killed = _begun(stack, "trips/city")
    run(["docker", "kill", killed], stack.folder)
    assert _becomes(stack, points + _MANY), stack.compose("logs", "daemon", check=False)
    assert len(set(stack.runs()) - before) >= 2, "it had ended before it was killed"
    assert _agrees(stack)


@pytest.mark.parametrize("services", [("qdrant", "postgres", "models"), ("daemon", "code", "webserver")])
def test_services_that_die_in_the_midst_lose_nothing(stack: Stack, services: tuple[str, ...]) -> None:
    before = _points(stack)
    _begun(stack, f"restarted/{services[0]}")
    stack.compose("kill", *services)
    stack.compose("up", "--detach", "--wait", *services)
    assert _becomes(stack, before + _MANY), stack.compose("logs", "daemon", check=False)
    assert _agrees(stack)


def test_containers_have_no_more_rights_than_they_need(stack: Stack) -> None:
    uid = next(line for line in (stack.folder / ".env").read_text().splitlines() if line.startswith("PIPELINE_UID"))
    user = f"{uid.partition('=')[2]}:"
    containers = [stack.inspect(service) for service in (*_OURS, "qdrant", "gateway", "prometheus")]
    containers += json.loads(run(["docker", "inspect", *stack.runs()], stack.folder))
    for container in containers:
        host, name = container["HostConfig"], container["Name"]
        assert container["Config"]["User"].startswith(user), name
        assert host["ReadonlyRootfs"] is True, name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert host["Privileged"] is False, name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert 0 < host["Memory"] <= 8 << 30, name
        assert host["PidsLimit"] > 0, name
        text = json.dumps(container["Config"]["Env"])
        for file in (stack.folder / "deploy/secrets").iterdir():
            secret = file.read_text().strip()
            assert secret[:40] not in text, (name, file.name)
        sockets = [mount for mount in container["Mounts"] if mount["Source"].endswith("docker.sock")]
        assert bool(sockets) == any(one in name for one in ("docker-launch", "docker-stop")), name
        library = [mount for mount in container["Mounts"] if mount["Destination"] == str(stack.library)]
        assert all(mount["RW"] is False for mount in library), name
    published = [
        port for service in (*_OURS, "qdrant", "postgres", "prometheus") for port in _published(stack, service)
    ]
    assert not published
    assert [one["HostIp"] for one in _published(stack, "gateway")] == ["127.0.0.1"]


def test_nothing_but_a_run_comes_through_the_proxy(stack: Stack) -> None:
    privileged = """
import docker
try:
    client = docker.DockerClient("unix:///run/docker/socket", version="1.44")
    client.containers.create("PROJECT/app", ["id"], privileged=True, volumes=["/:/host"])
    print("created")
except docker.errors.APIError as error:
    print(error.status_code)
except Exception:
    print("unreachable")
""".replace("PROJECT", PROJECT)
    for service, answer in {
        "daemon": "403",
        "webserver": "403",
        "code": "unreachable",
        "exporter": "unreachable",
    }.items():
        assert stack.compose("exec", "--no-TTY", service, "python", "-c", privileged).strip() == answer, service
    # the page can only stop runs
    start = """
import docker
print(docker.APIClient("unix:///run/docker/socket", version="1.44").post(
    "http+docker://localhost/v1.44/containers/create", json={}).text)
"""
    assert "runs can be looked at and stopped" in stack.compose("exec", "--no-TTY", "webserver", "python", "-c", start)


def test_a_run_is_no_superuser_of_the_database(stack: Stack) -> None:
    ask = """
import psycopg2
connection = psycopg2.connect("postgresql://dagster@postgres/dagster?passfile=/run/secrets/postgres_login")
with connection.cursor() as cursor:
    cursor.execute("SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user")
    print(cursor.fetchone()[0])
"""
    assert stack.compose("exec", "--no-TTY", "daemon", "python", "-c", ask).strip() == "False"


def test_a_changed_limit_holds_for_the_next_run(stack: Stack) -> None:
    settings = (stack.folder / ".env").read_text()
    (stack.folder / ".env").write_text(settings.replace("RUN_MEMORY=2g", "RUN_MEMORY=1500m"))
    stack.up()
    before, points = set(stack.runs()), stack.indexed
    stack.add("limited", 2)
    stack.cli("scan")
    stack.launch("limited")
    assert _becomes(stack, points + 2), stack.compose("logs", "daemon", "docker-launch", check=False)
    [container] = set(stack.runs()) - before
    [described] = json.loads(run(["docker", "inspect", container], stack.folder))
    assert described["HostConfig"]["Memory"] == 1500 << 20


def test_the_page_can_end_a_run(stack: Stack) -> None:
    container = _begun(stack, "ended")
    [described] = json.loads(run(["docker", "inspect", container], stack.folder))
    run_id = described["Config"]["Labels"]["dagster/run_id"]
    ended = stack.graphql(
        "mutation($id: String!) { terminateRun(runId: $id) { __typename ... on PythonError { message } } }", id=run_id
    )["terminateRun"]
    assert ended["__typename"] == "TerminateRunSuccess", ended
    assert wait_until(lambda: container not in stack.runs("running"), 60)


def test_the_alerts_are_raised_when_they_should_be() -> None:
    rules = str(ROOT / "deploy/prometheus")
    command = ["docker", "run", "--rm", "--volume", f"{rules}:/rules:ro", "--entrypoint", "promtool"]
    assert "SUCCESS" in run([*command, "prom/prometheus:v2.53.3", "test", "rules", "/rules/alerts_test.yml"], ROOT)


def test_every_query_of_the_dashboard_and_of_the_alerts_has_values(stack: Stack) -> None:
    def values(expression: str) -> list[dict[str, Any]]:
        status, text = stack.get(f"/prometheus/api/v1/query?{urlencode({'query': expression})}", stack.password)
        assert status == 200, text
        return list(json.loads(text)["data"]["result"])

    def scraped() -> set[str]:
        return {one["metric"]["job"] for one in values("up == 1")}

    assert wait_until(lambda: scraped() == {"pipeline", "models", "qdrant"}, 90), values("up")
    dashboard = json.loads((ROOT / "deploy/grafana/dashboard.json").read_text())
    expressions = {target["expr"] for panel in dashboard["panels"] for target in panel["targets"]}
    expressions = {re.sub(r"\[(5|15)m\]", "[2m]", one) for one in expressions}
    missing = expressions
    for _ in range(8):
        missing = {one for one in missing if not values(one)}
        if not missing:
            break
        time.sleep(15)
    assert not missing
    rules = json.loads(stack.get("/prometheus/api/v1/rules", stack.password)[1])["data"]["groups"][0]["rules"]
    assert len(rules) == 8
    for rule in rules:
        assert rule["health"] == "ok", rule
        for metric in set(re.findall(r"image_pipeline_\w+", rule["query"])) - {"image_pipeline_quarantined_files"}:
            assert values(metric), metric


def test_nothing_is_lost_when_everything_is_taken_down_and_started_again(stack: Stack) -> None:
    stack.cli("ingest")
    before = _points(stack)
    found = stack.cli("search", "--directory", "trips", "--json")
    stack.compose("down", "--timeout", "10")
    stack.up()
    assert _points(stack) == before
    assert json.loads(stack.cli("search", "--directory", "trips", "--json")) == json.loads(found)
    assert _agrees(stack)


def test_a_library_that_is_not_there_stops_the_start(stack: Stack, tmp_path: Path) -> None:
    settings = (stack.folder / ".env").read_text()
    gone = settings.replace(str(stack.library), f"{tmp_path}/gone")
    (stack.folder / ".env").write_text(gone)
    try:
        said = stack.compose("run", "--rm", "--no-TTY", "--no-deps", "cli", "status", check=False)
        assert f"{tmp_path}/gone" in said
    finally:
        (stack.folder / ".env").write_text(settings)


@pytest.mark.parametrize(
    ("environment", "command", "said"),
    [
        ({"QDRANT_API_KEY_FILE": "", "QDRANT_API_KEY": "wrong"}, ["search", "--camera", "x"], "refuses the key"),
        (
            {"IMAGE_PIPELINE_INFERENCE_KEY_FILE": "", "IMAGE_PIPELINE_INFERENCE_KEY": "wrong"},
            ["ingest"],
            "refuses the key",
        ),
        ({"IMAGE_PIPELINE_MODELS": "light"}, ["ingest"], "start the service with the same setting"),
    ],
)
def test_what_is_set_wrong_is_said_in_one_sentence(
    stack: Stack, environment: dict[str, str], command: list[str], said: str
) -> None:
    given = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
    printed = stack.compose("run", "--rm", "--no-TTY", *given, "cli", *command, check=False)
    [line] = [line for line in printed.splitlines() if '"level": "ERROR"' in line]
    assert said in line
    assert "Traceback" not in printed


def test_a_store_is_not_taken_to_another_library(stack: Stack, tmp_path: Path) -> None:
    before, settings = _points(stack), (stack.folder / ".env").read_text()
    other = tmp_path / "other photos"
    shutil.copytree(stack.library / "trips/hills", other)
    for path in (tmp_path, other):
        path.chmod(0o755)
    (stack.folder / ".env").write_text(settings.replace(str(stack.library), str(other)))
    try:
        stack.compose("up", "--detach", "--wait", "code", "daemon")
        printed = stack.cli("ingest", check=False)
        assert f"The store belongs to the library {stack.library}, not to {other}" in printed
        said = lambda: "belongs to the library" in stack.compose("logs", "--since", "5m", "code", "daemon")  # noqa: E731
        assert wait_until(said, 90), "the sensor says nothing"
    finally:
        (stack.folder / ".env").write_text(settings)
        stack.compose("up", "--detach", "--wait", "code", "daemon")
    assert _points(stack) == before
