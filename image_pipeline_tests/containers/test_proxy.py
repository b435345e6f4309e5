"""The proxy of the Docker engine, as Docker's own client and an attacker see it. The engine behind it takes notes."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest
import uvicorn
import yaml

from benchmarks.qdrant_server import free_port
from image_pipeline.containers.configure import filled
from image_pipeline.containers.proxy import DockerProxy
from image_pipeline.containers.rules import RunRules
from image_pipeline.errors import SettingsError
from image_pipeline.http_server import Server, listen
from image_pipeline_tests.support.moments import wait_until

RUN, OTHER, GONE, OLD, LONG = ("abcde"[number] * 64 for number in range(5))

OPTIONS: dict[str, Any] = {
    "labels": {"image-pipeline.run": "photos"},
    "user": "1000:1000",
    "init": True,
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "tmpfs": {"/tmp": "size=1g"},
    "mem_limit": "2g",
    "nano_cpus": 2_000_000_000,
    "pids_limit": 512,
    "stop_timeout": 30,
    "mounts": [
        {"Type": "volume", "Source": "photos_store", "Target": "/var/lib/image-pipeline", "ReadOnly": False},
        {"Type": "bind", "Source": "/home/me/Photos", "Target": "/library", "ReadOnly": True},
    ],
}
LAUNCHER = {
    "image": "photos/app",
    "networks": ["photos_runs"],
    "env_vars": ["QDRANT_URL", "IMAGE_PIPELINE_MODELS", "HF_HUB_OFFLINE=1"],
    "container_kwargs": OPTIONS,
}
ENVIRONMENT = {"QDRANT_URL": "http://qdrant:6333", "HF_HUB_OFFLINE": "1"}
COMMAND = ["dagster", "api", "execute_run", '{"run_id": "1"}']


class Engine:
    """An engine that has one container of a run and one of somebody else, and notes what reaches it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.created: list[dict[str, Any]] = []
        self.deleted: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.asked.append((request.method, request.url.raw_path.decode()))
        path = request.url.path
        if path == "/version":
            return httpx.Response(200, json={"ApiVersion": "1.47", "MinAPIVersion": "1.24"})
        if path.endswith("/containers/create"):
            self.created.append(json.loads(request.content))
            return httpx.Response(201, json={"Id": RUN, "Warnings": []})
        if path.endswith("/containers/json"):
            long_ago = time.time() - 7200
            created = {OLD: long_ago, LONG: long_ago, RUN: time.time()}
            return httpx.Response(200, json=[{"Id": one, "Created": int(at)} for one, at in created.items()])
        if request.method == "DELETE":
            self.deleted.append(path.split("/")[-1])
        if path.split("/")[-2] in (OLD, LONG):
            ended = datetime.now(UTC) - timedelta(hours=1.5 if OLD in path else 0.1)
            return httpx.Response(200, json={"State": {"FinishedAt": f"{ended:%Y-%m-%dT%H:%M:%S}.123456789Z"}})
        if path.endswith("/json"):
            labels = {RUN: {"image-pipeline.run": "photos"}, OTHER: {"image-pipeline.run": "holidays"}}
            container = path.split("/")[-2]
            if container not in labels:
                return httpx.Response(404, json={"message": "No such container"})
            described = {"Id": container, "Config": {"Labels": labels[container]}, "State": {"Status": "running"}}
            return httpx.Response(200, json=described)
        return httpx.Response(204)


class Proxied:
    """A proxy on a port of this machine, before such an engine."""

    def __init__(self, may_launch: bool) -> None:
        self.engine, self.port = Engine(), free_port()
        proxy = DockerProxy(RunRules(LAUNCHER), httpx.MockTransport(self.engine), may_launch)
        self.server = Server(uvicorn.Config(proxy.app, log_level="warning"))
        self._listener = listen(self.port)
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()
        assert wait_until(lambda: self.server.started, 30)

    def end(self) -> None:
        """Stop it."""
        self.server.end()
        self._thread.join(30)

    @property
    def client(self) -> docker.DockerClient:
        """Docker's own client, as Dagster's run launcher makes it."""
        return docker.DockerClient(f"tcp://127.0.0.1:{self.port}")

    def create(self, **changed: Any) -> str:
        """Create a container as the run launcher does, with changed options; returns its id."""
        options = {name: value for name, value in OPTIONS.items() if name not in ("labels", "stop_timeout")} | {
            "image": LAUNCHER["image"],
            "command": COMMAND,
            "detach": True,
            "environment": {
                "QDRANT_URL": "http://qdrant:6333",
                "HF_HUB_OFFLINE": "1",
                "DAGSTER_RUN_JOB_NAME": "ingest",
            },
            "network": "photos_runs",
            "labels": {"image-pipeline.run": "photos", "dagster/run_id": "1", "dagster/job_name": "ingest"},
        }
        chosen = {name: value for name, value in (options | changed).items() if value is not None}
        return str(self.client.containers.create(**chosen).id)

    def send(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Status and text of the answer to a request that Docker's client would not send."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.fixture
def launching() -> Iterator[Proxied]:
    proxied = Proxied(may_launch=True)
    yield proxied
    proxied.end()


@pytest.fixture
def stopping() -> Iterator[Proxied]:
    proxied = Proxied(may_launch=False)
    yield proxied
    proxied.end()


def test_the_container_of_a_run_is_created_as_configured(launching: Proxied) -> None:
    assert launching.create() == RUN
    [made] = launching.engine.created
    assert made["Image"] == "photos/app"
    assert made["Cmd"] == COMMAND
    assert made["User"] == "1000:1000"
    assert sorted(made["Env"]) == ["DAGSTER_RUN_JOB_NAME=ingest", "HF_HUB_OFFLINE=1", "QDRANT_URL=http://qdrant:6333"]
    assert made["Labels"]["dagster/run_id"] == "1"
    host = made["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["Memory"] == 2 << 30
    assert host["Mounts"] == OPTIONS["mounts"]
    assert host["NetworkMode"] == "photos_runs"
    assert made["NetworkingConfig"] == {"EndpointsConfig": {"photos_runs": {}}}


def test_containers_of_runs_that_ended_long_ago_are_deleted_before_a_new_one(launching: Proxied) -> None:
    launching.create()
    [listed] = [path for _, path in launching.engine.asked if path.startswith("/v1.44/containers/json")]
    assert "image-pipeline.run%3Dphotos" in listed
    assert "exited" in listed
    assert launching.engine.deleted == [OLD], "a long run that ended just now says why, and others are not looked at"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"privileged": True}, "Privileged"),
        ({"cap_add": ["SYS_ADMIN"]}, "CapAdd"),
        ({"cap_drop": None}, "CapDrop"),
        ({"cap_drop": ["NET_RAW"]}, "CapDrop"),
        ({"security_opt": ["seccomp=unconfined"]}, "SecurityOpt"),
        ({"security_opt": None}, "SecurityOpt"),
        ({"read_only": False}, "ReadonlyRootfs"),
        ({"read_only": None}, "ReadonlyRootfs"),
        ({"pid_mode": "host"}, "PidMode"),
        ({"ipc_mode": "host"}, "IpcMode"),
        ({"uts_mode": "host"}, "UTSMode"),
        ({"userns_mode": "host"}, "UsernsMode"),
        ({"cgroup_parent": "/"}, "CgroupParent"),
        ({"network": "host"}, "network"),
        ({"network": "photos_orchestration"}, "network"),
        ({"network": None, "network_mode": f"container:{OTHER}"}, "NetworkMode"),
        ({"volumes": ["/:/host"]}, "Volumes"),
        ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, "Volumes"),
        ({"volumes_from": [OTHER]}, "VolumesFrom"),
        ({"mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]}, "Mounts"),
        ({"mounts": [*OPTIONS["mounts"], {"Type": "volume", "Source": "photos_postgres", "Target": "/x"}]}, "Mounts"),
        ({"mounts": [{**OPTIONS["mounts"][1], "ReadOnly": False}]}, "Mounts"),
        ({"mounts": [{**OPTIONS["mounts"][1], "Source": "/home/me/Photos/.."}, OPTIONS["mounts"][0]]}, "Mounts"),
        ({"devices": ["/dev/sda:/dev/sda"]}, "Devices"),
        ({"device_cgroup_rules": ["a *:* rwm"]}, "DeviceCgroupRules"),
        ({"device_requests": [docker.types.DeviceRequest(count=-1, capabilities=[["gpu"]])]}, "DeviceRequests"),
        ({"ports": {"80/tcp": 80}}, ""),
        ({"publish_all_ports": True}, "PublishAllPorts"),
        ({"sysctls": {"kernel.msgmax": "1"}}, "Sysctls"),
        ({"restart_policy": {"Name": "always"}}, "RestartPolicy"),
        ({"mem_limit": "64g"}, "Memory"),
        ({"mem_limit": None}, "Memory"),
        ({"pids_limit": None}, "PidsLimit"),
        ({"oom_kill_disable": True}, "OomKillDisable"),
        ({"runtime": "other"}, "Runtime"),
        ({"tmpfs": {"/tmp": "exec,size=100g"}}, "Tmpfs"),
        ({"image": "debian"}, "Image"),
        ({"user": "0:0"}, "User"),
        ({"user": None}, "User"),
        ({"entrypoint": ["sh"]}, "Entrypoint"),
        ({"command": ["sh", "-c", "id"]}, "command"),
        ({"command": ["dagster", "api", "grpc", "-m"]}, "command"),
        ({"command": [*COMMAND, "more"]}, "command"),
        ({"environment": {"LD_PRELOAD": "/library/evil.so"}}, "LD_PRELOAD"),
        ({"environment": {"HF_HUB_OFFLINE": "0"}}, "HF_HUB_OFFLINE"),
        ({"labels": {"image-pipeline.run": "holidays"}}, "labels"),
        ({"labels": {}}, "labels"),
        ({"labels": {"image-pipeline.run": "photos", "com.docker.compose.project": "photos"}}, "labels"),
        ({"name": "photos-gateway-1"}, "create"),
        ({"platform": "linux/arm64"}, "create"),
    ],
)
def test_no_other_container_is_created(launching: Proxied, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(docker.errors.APIError) as refused:
        launching.create(**changed)
    assert refused.value.status_code == 403
    assert named in str(refused.value.explanation)
    assert not launching.engine.created


def test_field_names_in_other_letters_and_repeated_fields_change_nothing(launching: Proxied) -> None:
    launching.create()
    [good] = launching.engine.created
    host = good["HostConfig"]
    for body in (
        {**good, "hostconfig": {"Privileged": True}},
        {**good, "HostConfig": {**host, "privileged": True}},
        {**good, "HostConfig": {**host, "Annotations": {"x": "y"}}},
    ):
        assert launching.send("POST", "/v1.47/containers/create", body)[0] == 403
    # fields that say nothing are let through, but not passed on: the engine would let them replace others
    quiet = {**good, "HostConfig": {**host, "readonlyrootfs": False, "capdrop": []}, "user": ""}
    assert launching.send("POST", "/v1.47/containers/create", quiet)[0] == 201
    assert launching.engine.created == [good, good]
    twice = json.dumps(good).replace('"HostConfig": {', '"HostConfig": {"Privileged": true, "Privileged": false, ', 1)
    url = f"http://127.0.0.1:{launching.port}/containers/create"
    assert httpx.post(url, content=twice).status_code == 201
    assert launching.engine.created[-1] == good


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "7", '"x"', "{", '{"HostConfig": 3}', '{"HostConfig": null}', "[" * 5000, "{}"]
)
def test_what_is_no_container_is_refused(launching: Proxied, body: str) -> None:
    answer = httpx.post(f"http://127.0.0.1:{launching.port}/containers/create", content=body)
    assert answer.status_code == 403, answer.text
    assert not launching.engine.created


def test_runs_are_looked_at_started_and_stopped(launching: Proxied) -> None:
    container = launching.client.containers.get(RUN)
    assert container.status == "running"
    container.start()
    container.stop(timeout=30)
    paths = [path for _, path in launching.engine.asked]
    assert f"/v1.44/containers/{RUN}/start" in paths
    assert f"/v1.44/containers/{RUN}/stop?t=30" in paths
    with pytest.raises(docker.errors.NotFound):
        launching.client.containers.get(GONE)


def test_containers_that_are_no_runs_are_left_alone(launching: Proxied) -> None:
    for method, action in (("GET", "json"), ("POST", "start"), ("POST", "stop")):
        status, text = launching.send(method, f"/containers/{OTHER}/{action}")
        assert status == 403
        assert "not that of a run" in text
    assert {method for method, _ in launching.engine.asked} == {"GET"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/containers/json"),
        ("GET", "/info"),
        ("GET", "/images/json"),
        ("POST", "/images/create?fromImage=debian"),
        ("POST", "/build"),
        ("POST", "/volumes/create"),
        ("GET", "/secrets"),
        ("POST", "/swarm/init"),
        ("POST", f"/containers/{RUN}/exec"),
        ("POST", f"/containers/{RUN}/attach"),
        ("POST", f"/containers/{RUN}/update"),
        ("POST", f"/containers/{RUN}/kill"),
        ("GET", f"/containers/{RUN}/archive?path=/run/secrets"),
        ("PUT", f"/containers/{RUN}/archive?path=/"),
        ("GET", f"/containers/{RUN}/logs?stdout=1"),
        ("DELETE", f"/containers/{RUN}"),
        ("POST", "/containers/prune"),
        ("POST", f"/containers/{RUN}%2f..%2f{OTHER}/start"),
        ("GET", f"/containers/{RUN}/../{OTHER}/json"),
        ("GET", f"/containers/{RUN}%00/json"),
        ("GET", "/containers/gateway/json"),
        ("GET", f"/v1.47/v1.47/containers/{RUN}/json"),
        ("GET", f"//containers/{RUN}/json"),
        ("GET", f"/containers/{RUN}/json?size=1"),
        ("POST", f"/containers/{RUN}/start?detachKeys=x"),
        ("POST", f"/containers/{RUN}/stop?t=1&signal=SIGKILL"),
        ("GET", "/containers/create"),
        ("OPTIONS", "/version"),
    ],
)
def test_nothing_else_reaches_the_engine(launching: Proxied, method: str, path: str) -> None:
    assert launching.send(method, path)[0] == 403
    assert not launching.engine.asked


def test_the_page_can_stop_runs_and_launch_none(stopping: Proxied) -> None:
    stopping.client.containers.get(RUN).stop(timeout=30)
    for path in ("/containers/create", f"/containers/{RUN}/start"):
        assert stopping.send("POST", path, {})[0] == 403
    assert not stopping.engine.created


def test_a_silent_engine_is_reported() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no such file")

    app = DockerProxy(RunRules(LAUNCHER), httpx.MockTransport(fail), may_launch=True).app
    from starlette.testclient import TestClient

    answer = TestClient(app).get("/version")
    assert answer.status_code == 502
    assert "engine does not answer" in answer.json()["message"]


@pytest.mark.parametrize(
    "changed",
    [
        {"image": ""},
        {"networks": []},
        {"networks": ["one", "two"]},
        {"container_kwargs": {**OPTIONS, "labels": {}}},
        {"container_kwargs": {**OPTIONS, "nonsense": 1}},
    ],
)
def test_a_configuration_that_says_too_little_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        RunRules({**LAUNCHER, **changed})


def test_the_shipped_configuration_is_as_strict_as_this_one() -> None:
    variables = {
        "COMPOSE_PROJECT_NAME": "photos",
        "PIPELINE_UID": "1000",
        "PIPELINE_GID": "1000",
        "LIBRARY_ON_HOST": '/home/me/Photos", Target: "/',
        "SECRETS_ON_HOST": "/home/me/secrets",
        "MAX_CONCURRENT_RUNS": "2",
        "RUN_MEMORY": "2g",
        "RUN_NANO_CPUS": "2000000000",
    }
    shipped = yaml.safe_load((Path(__file__).parents[2] / "deploy/dagster.yaml").read_text(encoding="utf-8"))
    document = filled(shipped, variables)
    assert document["concurrency"]["runs"]["max_concurrent_runs"] == 2
    launcher = document["run_launcher"]["config"]
    options = launcher["container_kwargs"]
    for name in ("user", "init", "read_only", "cap_drop", "security_opt", "mem_limit", "nano_cpus", "pids_limit"):
        assert options[name] == OPTIONS[name]
    assert {mount["Source"] for mount in options["mounts"] if not mount["ReadOnly"]} == {
        "photos_store",
        "photos_dagster",
    }
    assert '/home/me/Photos", Target: "/' in {mount["Source"] for mount in options["mounts"]}
    RunRules(launcher)


def test_a_variable_that_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="RUN_MEMORY is not set"):
        filled({"mem_limit": "${RUN_MEMORY}"}, {})
