"""Metrics of the inference service, in the text format of Prometheus."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_pipeline.services.model_service import ModelService

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The metrics of one service."""

    def __init__(self, service: ModelService) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_OfService(service))
        self.requests = Counter(
            "image_pipeline_inference_requests",
            "Requests, by path and status.",
            ["path", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "image_pipeline_inference_request_seconds",
            "Time from the first byte of a request to the end of its answer.",
            ["path"],
            buckets=_BUCKETS,
            registry=self._registry,
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

    def text(self) -> bytes:
        """All metrics."""
        return generate_latest(self._registry)


class _OfService(Collector):
    def __init__(self, service: ModelService) -> None:
        self._service = service

    def collect(self) -> Iterable[Metric]:
        """The figures that the service itself counts."""
        yield GaugeMetricFamily(
            "image_pipeline_inference_ready", "1 once the models are loaded.", value=float(self._service.is_ready)
        )
        yield GaugeMetricFamily(
            "image_pipeline_inference_waiting_images",
            "Images that were taken and are not finished.",
            value=self._service.waiting_images,
        )
        images = CounterMetricFamily(
            "image_pipeline_inference_images", "Images that a model has run.", labels=["model"]
        )
        batches = CounterMetricFamily("image_pipeline_inference_batches", "Batches of a model.", labels=["model"])
        for name, runner in self._service.runners.items():
            images.add_metric([name], runner.images_run)
            batches.add_metric([name], runner.batches_run)
        yield images
        yield batches
