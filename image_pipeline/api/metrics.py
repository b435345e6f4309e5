"""Metrics of the inference service, in the text format of Prometheus."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_pipeline.services.figures import Figures

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable of the folder by which processes share their counters (prometheus_client's own)."""


class Metrics:
    """The metrics of one service, those of all of its processes together.

    The environment must have had `DIRECTORY` when this process began.
    """

    def __init__(self) -> None:
        own = CollectorRegistry()  # the values are in files, which all processes read
        self.requests = Counter(
            "image_pipeline_inference_requests",
            "Requests, by path and status.",
            ["path", "status"],
            registry=own,
        )
        self.seconds = Histogram(
            "image_pipeline_inference_request_seconds",
            "Time from the first byte of a request to the end of its answer.",
            ["path"],
            buckets=_BUCKETS,
            registry=own,
        )

    def measured(self, app: ASGIApp) -> ASGIApp:
        """The application, whose requests are counted and timed."""

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began, status = time.perf_counter(), 500

            async def noted(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, noted)
            finally:
                path = getattr(scope.get("route"), "path", "other")  # any text could be a path
                self.requests.labels(path, str(status)).inc()
                self.seconds.labels(path).observe(time.perf_counter() - began)

        return call

    def text(self, figures: Figures) -> bytes:
        """All metrics; `figures` is the state of the models."""
        registry = CollectorRegistry()
        registry.register(_Figures(figures))
        MultiProcessCollector(registry)
        return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """The figures that the service itself counts."""
        yield GaugeMetricFamily(
            "image_pipeline_inference_ready", "1 once the models are loaded.", value=float(self._figures.is_ready)
        )
        yield GaugeMetricFamily(
            "image_pipeline_inference_waiting_images",
            "Images that were taken and are not finished.",
            value=self._figures.waiting,
        )
        images = CounterMetricFamily(
            "image_pipeline_inference_images", "Images that a model has run.", labels=["model"]
        )
        batches = CounterMetricFamily("image_pipeline_inference_batches", "Batches of a model.", labels=["model"])
        for name, count in self._figures.images.items():
            images.add_metric([name], count)
        for name, count in self._figures.batches.items():
            batches.add_metric([name], count)
        yield images
        yield batches
