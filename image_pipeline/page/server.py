"""The page itself: Dagster's webserver behind the guard, served in this process."""

import logging
import socket
from pathlib import Path

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.cli import (
    DEFAULT_DB_STATEMENT_TIMEOUT,
    DEFAULT_POOL_MAX_OVERFLOW,
    _lifespan,
)
from dagster_webserver.version import __version__
from dagster_webserver.webserver import DagsterWebserver

from image_pipeline.api_keys import KeyCheck, Keys
from image_pipeline.http_origin import names_of_page
from image_pipeline.http_server import Server
from image_pipeline.page.guard import Guard
from image_pipeline.page.prefix import WithoutPrefix, WithPrefix
from image_pipeline.settings import Settings
from image_pipeline.signals import interrupted_afterwards

_POLL_MILLISECONDS = 2000
_CLOSING_SECONDS = 2
_REUSE_SECONDS = 5
"""How long a connection to the database of Dagster's records is used again: after a restart of the database, each old
connection would fail a request."""


def serve(
    settings: Settings,
    instance: dg.DagsterInstance,
    workspace_file: Path,
    listener: socket.socket,
    keys: Keys,
    prefix: str = "",
) -> None:
    """Serve the page on `listener`, to those who send one of `keys`, until a signal ends it: then KeyboardInterrupt.

    `workspace_file` names the code servers, as Dagster's `workspace.yaml` does. All paths begin with `prefix`.
    """
    instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, _REUSE_SECONDS, DEFAULT_POOL_MAX_OVERFLOW)
    target = WorkspaceFileTarget(paths=[str(workspace_file)])
    with WorkspaceProcessContext(instance, workspace_load_target=target, version=__version__) as context:
        page = DagsterWebserver(context, prefix, _POLL_MILLISECONDS).create_asgi_app(lifespan=_lifespan)
        # the guard knows the page's paths without a prefix
        guarded = WithoutPrefix(Guard(WithPrefix(page, prefix), names_of_page(settings)), prefix)
        config = uvicorn.Config(
            KeyCheck(guarded, keys),
            log_level="warning",
            proxy_headers=False,
            timeout_graceful_shutdown=_CLOSING_SECONDS,
        )
        logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
        server = Server(config)
        with interrupted_afterwards(server.end):
            server.run(sockets=[listener])


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Whether to show a record: the server wrongly warns about WebSockets that the guard has already answered."""
    return not str(record.msg).startswith("ASGI callable returned without completing handshake")
