"""The rules of the proxy: what a request may ask of the Docker engine.

Whoever can create a container without restriction is root on the machine: it could be privileged, or have the root of
the disk as a volume. So the container of a run must be exactly what the run launcher is configured to create; of a
request, only the command, the names of the run, and the values of the permitted environment variables are kept.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import docker

from image_pipeline.errors import SettingsError

API_VERSION = "1.44"
"""The version of the engine's API (Docker 25) in which containers are created, whatever version the client speaks."""

RUN_LABEL = "image-pipeline.run"
"""The label of the containers of runs. Its value must be the one in the configuration."""

RUN_ID_LABEL = "dagster/run_id"
_RUN_LABELS = (RUN_ID_LABEL, "dagster/job_name")
_JOB_VARIABLE = "DAGSTER_RUN_JOB_NAME"
_COMMAND = ("dagster", "api")
_COMMANDS = ("execute_run", "resume_run")
_NOT_OF_HOST = ("user", "labels", "stop_timeout")  # options that are not part of the request's HostConfig

_VERSIONED = re.compile(r"(?:/v\d+\.\d+)?(/.*)", re.ASCII)
_CONTAINER = re.compile(r"/containers/([0-9a-f]{12,64})/(json|start|stop)", re.ASCII)
_STOP_QUERY = re.compile(r"(?:t=\d{1,4})?", re.ASCII)


class RefusedError(Exception):
    """A request that the proxy does not pass on; the message says why."""


@dataclass(frozen=True)
class Request:
    """What a permitted request asks for: `ping`, `version`, `create`, or an `action` on a `container`."""

    action: str
    container: str = ""
    seconds: str = ""


def understand(method: str, path: str, query: str, may_launch: bool) -> Request:
    """The request of this method, raw path and raw query. Raises RefusedError if it is not permitted.

    Without `may_launch`, runs can only be looked at and stopped.
    """
    whole = _VERSIONED.fullmatch(path)
    bare = whole[1] if whole else path
    if method in ("GET", "HEAD") and bare in ("/_ping", "/version") and not query:
        return Request(bare.strip("/_"))
    if found := _CONTAINER.fullmatch(bare):
        container, action = found.groups()
        if method == "GET" and action == "json" and not query:
            return Request(action, container)
        if method == "POST" and action == "stop" and _STOP_QUERY.fullmatch(query):
            return Request(action, container, query.removeprefix("t="))
        if method == "POST" and action == "start" and may_launch and not query:
            return Request(action, container)
    if method == "POST" and bare == "/containers/create" and may_launch and not query:
        return Request("create")
    raise RefusedError(f"{method} {bare[:200]} is not permitted here: {_permitted(may_launch)}.")


def _permitted(may_launch: bool) -> str:
    return "runs can be created, started, looked at and stopped" if may_launch else "runs can be looked at and stopped"


class RunRules:
    """The only containers that may be created, according to the configuration of Dagster's `DockerRunLauncher`."""

    def __init__(self, launcher: Mapping[str, Any]) -> None:
        """`launcher` is the `config` of the run launcher in `dagster.yaml`.

        Raises SettingsError if it has no image, network or label, or has options that the engine does not know.
        """
        options = dict(launcher.get("container_kwargs") or {})
        networks, labels = launcher.get("networks") or [], options.get("labels") or {}
        if not launcher.get("image") or len(networks) != 1 or not labels.get(RUN_LABEL):
            raise SettingsError(
                f"The run launcher in dagster.yaml needs an image, one network, and a label {RUN_LABEL!r}: add them."
            )
        self.label = str(labels[RUN_LABEL])
        self._labels = {str(name): str(value) for name, value in labels.items()}
        parts = (one.partition("=") for one in launcher.get("env_vars") or [])
        self._variables = {name: value if equals else None for name, equals, value in parts}  # None: any value
        user = {"User": str(options["user"])} if "user" in options else {}
        host = {name: value for name, value in options.items() if name not in _NOT_OF_HOST}
        try:
            host_config = docker.types.HostConfig(API_VERSION, network_mode=networks[0], **host)
        except (TypeError, ValueError, docker.errors.DockerException) as error:
            raise SettingsError(f"The run launcher's options in dagster.yaml cannot be used: {error}.") from error
        self._network = str(networks[0])
        self._template = {"Image": str(launcher["image"]), **user, "HostConfig": dict(host_config)}

    def container(self, asked: bytes) -> dict[str, Any]:
        """The container to create, made anew from the configuration and the few parts of `asked` that may vary.

        It is not `asked` itself, because the engine reads field names in any case, and the last of equal names.
        Raises RefusedError if `asked` is anything else.
        """
        try:
            body = json.loads(asked)
        except (ValueError, RecursionError) as error:
            raise RefusedError("The body is not JSON.") from error
        if not isinstance(body, dict):
            raise RefusedError("The body is not an object.")
        command, environment, labels = (body.pop(name, None) for name in ("Cmd", "Env", "Labels"))
        _check_networks(body.pop("NetworkingConfig", None), self._network)
        _compare(body, self._template, "")
        return {
            **self._template,
            "Cmd": _command(command),
            "Env": self._environment(environment),
            "Labels": self._run_labels(labels),
            "NetworkingConfig": {"EndpointsConfig": {self._network: {}}},
        }

    def is_run(self, inspected: Mapping[str, Any]) -> bool:
        """Whether a container, as the engine describes it, is that of a run of this configuration."""
        labels = (inspected.get("Config") or {}).get("Labels") or {}
        return bool(labels.get(RUN_LABEL) == self.label)

    def _environment(self, asked: object) -> list[str]:
        variables = asked or []
        if not isinstance(variables, list) or not all(isinstance(one, str) for one in variables):
            raise RefusedError("Env is not a list of texts.")
        for variable in variables:
            name, _, value = variable.partition("=")
            if name not in self._variables and name != _JOB_VARIABLE:
                raise RefusedError(f"The variable {name[:100]!r} is not among those that runs have.")
            if self._variables.get(name) not in (None, value):
                raise RefusedError(f"The variable {name} has a different value than in dagster.yaml.")
        return variables

    def _run_labels(self, asked: object) -> dict[str, str]:
        labels = asked or {}
        if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
            raise RefusedError("Labels is not an object of texts.")
        own = {name: labels[name] for name in _RUN_LABELS if name in labels}
        if {**own, **self._labels} != labels:
            raise RefusedError("The labels are not those that runs have.")
        return labels


def _command(asked: object) -> list[str]:
    if (
        not isinstance(asked, list)
        or len(asked) != len(_COMMAND) + 2
        or not all(isinstance(word, str) for word in asked)
        or tuple(asked[:2]) != _COMMAND
        or asked[2] not in _COMMANDS
    ):
        raise RefusedError(f"The command is not `{' '.join(_COMMAND)} {'|'.join(_COMMANDS)}` with one argument.")
    return asked


def _check_networks(asked: object, network: str) -> None:
    """Raises RefusedError for a network, or an address in it, that a run does not have."""
    endpoints: object = asked or {}
    if isinstance(endpoints, dict) and set(endpoints) == {"EndpointsConfig"}:
        endpoints = endpoints["EndpointsConfig"]
    if not isinstance(endpoints, dict) or any(name != network or value for name, value in endpoints.items()):
        raise RefusedError(f"A run is in the network {network} only, and has no address of its own there.")


def _compare(asked: Mapping[str, Any], expected: Mapping[str, Any], where: str) -> None:
    """Raises RefusedError, naming the field, unless `asked` is `expected`, apart from fields that say nothing."""
    for name, value in asked.items():
        if name not in expected:
            if value:
                raise RefusedError(f"{where}{name[:100]} may not be set for a run.")
        elif name == "HostConfig" and isinstance(value, dict):
            _compare(value, expected[name], "HostConfig.")
        elif value != expected[name]:
            raise RefusedError(f"{where}{name} is not what dagster.yaml says.")
    for name in expected:
        if name not in asked:
            raise RefusedError(f"{where}{name} is missing.")
