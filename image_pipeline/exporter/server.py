"""The command `image-pipeline serve-metrics`: an HTTP server for Prometheus."""

import logging
import time
from collections.abc import Iterable

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from image_pipeline.api_keys import KeyCheck, keys_for
from image_pipeline.exporter.library import LibraryMetrics
from image_pipeline.exporter.runs import RunMetrics
from image_pipeline.http_server import Server, listen
from image_pipeline.orchestration.instance import open_instance
from image_pipeline.services.wiring import Wiring
from image_pipeline.settings import Settings
from image_pipeline.signals import interrupted_afterwards
from image_pipeline.terminal import in_one_line

_HEALTH = "/health"

_log = logging.getLogger(__name__)


def serve_metrics(settings: Settings, host: str, port: int) -> None:
    """Serve `/metrics` on `port` of the address `host` until a signal ends it, then raise KeyboardInterrupt.

    `/health` answers without a key. Raises SettingsError if others than this machine could reach it and no key is set,
    PortTakenError if the port is taken, StoreError and SettingsError as `open_instance` does.
    """
    keys = keys_for(settings, host)
    wiring = Wiring(settings)
    with listen(port, host) as listener, open_instance(wiring.store) as instance:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Measured("library", LibraryMetrics(wiring.ledger)))
        registry.register(_Measured("runs", RunMetrics(instance)))
        app = KeyCheck(_app(registry), keys, open_paths=frozenset({_HEALTH}))
        server = Server(uvicorn.Config(app, log_level="warning", proxy_headers=False))
        with interrupted_afterwards(server.end):
            server.run(sockets=[listener])


def _app(registry: CollectorRegistry) -> Starlette:
    async def metrics(_: Request) -> Response:
        return Response(
            await run_in_threadpool(generate_latest, registry), headers={"content-type": CONTENT_TYPE_LATEST}
        )

    async def health(_: Request) -> Response:
        return PlainTextResponse("alive\n")

    return Starlette(routes=[Route("/metrics", metrics), Route(_HEALTH, health)])


class _Measured(Collector):
    """The metrics of a collector; if it fails, the others are still served, and one metric says so."""

    def __init__(self, name: str, collector: Collector) -> None:
        self._name, self._collector = name, collector

    def describe(self) -> Iterable[Metric]:
        """Nothing: the metrics are known once they are collected."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The metrics, whether they could be read, and how long that took."""
        began = time.perf_counter()
        try:
            metrics, succeeded = list(self._collector.collect()), 1.0
        except Exception as error:  # of SQLite, or of the database of Dagster's records
            _log.warning("The records of the %s cannot be read: %s", self._name, in_one_line(error, 300))
            metrics, succeeded = [], 0.0
        yield from metrics
        prefix, seconds = f"image_pipeline_{self._name}", time.perf_counter() - began
        yield GaugeMetricFamily(f"{prefix}_up", "1 if these records could be read.", value=succeeded)
        yield GaugeMetricFamily(f"{prefix}_read_seconds", "How long that took.", value=seconds)
