"""`python -m image_pipeline.containers.docker_proxy`: serves the proxy, to those who must not have the socket."""

import argparse
import logging
import os
import sys
from pathlib import Path

import httpx
import uvicorn
import yaml

from image_pipeline.containers.proxy import DockerProxy
from image_pipeline.containers.rules import RunRules
from image_pipeline.errors import PipelineError, SettingsError
from image_pipeline.http_server import Server, listen_at
from image_pipeline.signals import catch_signals, interrupted_afterwards


def main() -> None:
    """Serve until a signal ends it. An error of the configuration is printed, and ends it with 1."""
    arguments = _parser().parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("image_pipeline").setLevel(logging.INFO)
    catch_signals()
    try:
        rules = RunRules(_launcher(arguments.configuration))
        if not os.access(arguments.socket, os.R_OK | os.W_OK):
            raise SettingsError(
                f"The engine's socket {arguments.socket} cannot be used: mount it, and set DOCKER_GID to its group."
            )
        listener = listen_at(arguments.listen)
    except PipelineError as error:
        sys.exit(str(error))
    proxy = DockerProxy(rules, httpx.AsyncHTTPTransport(uds=str(arguments.socket)), not arguments.only_stop)
    server = Server(uvicorn.Config(proxy.app, log_level="warning", proxy_headers=False, server_header=False))
    try:
        with interrupted_afterwards(server.end):
            server.run(sockets=[listener])
    except KeyboardInterrupt:
        sys.exit(0)


def _launcher(configuration: Path) -> dict[str, object]:
    try:
        read = yaml.safe_load(configuration.read_text(encoding="utf-8"))
        config = read["run_launcher"]["config"]
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        raise SettingsError(f"{configuration} has no configuration of a run launcher that can be read.") from error
    if not isinstance(config, dict):
        raise SettingsError(f"{configuration} has no configuration of a run launcher.")
    return config


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m image_pipeline.containers.docker_proxy", description=__doc__)
    parser.add_argument("configuration", type=Path, help="dagster.yaml with the run launcher's configuration")
    parser.add_argument("listen", type=Path, help="the socket to make, for those who share its folder")
    parser.add_argument("--socket", type=Path, default=Path("/var/run/docker.sock"), help="the engine's socket")
    parser.add_argument("--only-stop", action="store_true", help="let runs be looked at and stopped, but not launched")
    return parser


if __name__ == "__main__":
    main()
