"""A process that receives requests for the models, which are in the process that started it."""

import os
import signal
import socket
import sys
from multiprocessing.connection import Connection

import numpy as np
import uvicorn
from starlette.types import ASGIApp

from image_pipeline.api.app import create_app
from image_pipeline.api.door import QUIET_PATHS
from image_pipeline.api.messages import Setup
from image_pipeline.api.region import Region, bytes_of
from image_pipeline.api.relayed_models import RelayedModels
from image_pipeline.http_server import Server
from image_pipeline.notices import show_notices
from image_pipeline.request_log import RequestLog
from image_pipeline.services.waiting import Waiting
from image_pipeline.traces import start_traces

SERVICE = "image-pipeline-models"
"""The name of the service in its traces."""

_FINISHING_SECONDS = 60
_IDLE_SECONDS = 30
_COUNT_BYTES = 16


def command(*descriptors: int) -> list[str]:
    """The command of a receiver; the descriptors are those of `main`, and are passed on."""
    return [sys.executable, "-P", "-m", __name__, *map(str, descriptors)]


def table_of(descriptor: int, rows: int) -> np.ndarray:
    """The shared table of waiting images: int64 `[rows, 2]`."""
    return bytes_of(descriptor, rows * _COUNT_BYTES).view(np.int64).reshape(rows, 2)


def main() -> None:
    """Serve until the process of the models says so, or is gone.

    The arguments are descriptors: the listening socket, the connection to the models, the shared memory, and the table
    of waiting images. Signals are the concern of the process of the models.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    listener, connected, memory, counts = map(int, sys.argv[1:5])
    connection: Connection = Connection(connected)
    try:
        setup: Setup = connection.recv()
    except EOFError:
        return
    waiting = Waiting(setup.limits.waiting_images, table_of(counts, setup.rows), setup.row)
    models = RelayedModels(connection, Region(memory), waiting, setup.limits)
    for descriptor in (memory, counts):  # they are mapped
        os.close(descriptor)
    show_notices()
    start_traces(setup.traces, SERVICE)
    app = RequestLog(create_app(models, setup.keys), QUIET_PATHS)
    server = Server(_config(app))
    models.start(server.end)
    server.run(sockets=[socket.socket(fileno=listener)])


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_FINISHING_SECONDS,
        timeout_keep_alive=_IDLE_SECONDS,
    )


if __name__ == "__main__":
    main()
