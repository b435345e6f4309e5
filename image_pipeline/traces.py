"""Traces of OpenTelemetry: a run with its stages and its requests to other services is one trace, and so is a search.

There are none unless IMAGE_PIPELINE_TRACES names a collector. A trace has the correlation id, without its hyphens.
"""

import atexit
import logging
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from image_pipeline.correlation import correlation_id, working_on
from image_pipeline.errors import SettingsError
from image_pipeline.settings import variable_of

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

SERVICE = "image-pipeline"
"""The name of the service in the traces of runs and commands."""

_EXPORT_SECONDS = 5
"""How long a process waits, at the end of its work, for a collector that does not answer."""

_log = logging.getLogger(__name__)

_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None
_work: Any = None
"""The context of the span of the work that this process is doing: the parent of spans that have no other."""


def start_traces(url: str | None, service: str) -> None:
    """Send the traces of this process to the collector at `url`, under the name `service`; None: there are none.

    The address is that of OTLP over HTTP, such as `http://localhost:4318`. The variables that OpenTelemetry defines for
    the name of a service, sampling and limits apply, too. Only the first call has an effect. Raises SettingsError if
    OpenTelemetry is not installed.
    """
    global _provider, _tracer
    if url is None or _provider is not None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
        from opentelemetry.instrumentation.threading import ThreadingInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        from opentelemetry.trace import set_tracer_provider
    except ImportError as error:
        raise SettingsError(
            f"{variable_of('traces')} is set, but OpenTelemetry is not installed ({error.name} is missing): install "
            "the extra with `pip install 'image-pipeline[traces]'`, or unset the variable."
        ) from error

    class Ids(RandomIdGenerator):
        """Gives a new trace the correlation id."""

        def generate_trace_id(self) -> int:
            try:
                return uuid.UUID(correlation_id()).int
            except ValueError:  # another program's id
                return int(super().generate_trace_id())

    _provider = TracerProvider(
        id_generator=Ids(), resource=Resource.create({"service.name": service}), shutdown_on_exit=False
    )
    _report_once(url)
    exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces", timeout=_EXPORT_SECONDS)
    _provider.add_span_processor(BatchSpanProcessor(exporter, export_timeout_millis=_EXPORT_SECONDS * 1000))
    set_tracer_provider(_provider)  # FastAPI and the instrumentation of gRPC ask for no other
    for instrumentor in (ThreadingInstrumentor, HTTPXClientInstrumentor, GrpcInstrumentorClient):
        instrumentor().instrument()
    _tracer = _provider.get_tracer("image_pipeline")
    atexit.register(_provider.shutdown)


def _report_once(url: str) -> None:
    """Report in one sentence that the collector does not take traces, instead of a stack trace for each attempt."""

    class Once(logging.Handler):
        def __init__(self) -> None:
            super().__init__(logging.WARNING)
            self._is_reported = False

        def emit(self, record: logging.LogRecord) -> None:
            if not self._is_reported:
                self._is_reported = True
                _log.warning(
                    "The collector at %s takes no traces; the work goes on without them: start it, or correct %s.",
                    url,
                    variable_of("traces"),
                )

    logger = logging.getLogger("opentelemetry")
    logger.addHandler(Once())
    logger.propagate = False


def spans_of_requests(quiet_paths: Collection[str] = ()) -> "TelemetryConfig":
    """The configuration of FastAPI's own telemetry: a span for each request, except those to `quiet_paths`.

    Nothing is sent unless this process has started its traces, whatever the environment says.
    """
    return {
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": lambda scope: scope["path"] in quiet_paths,
    }


@contextmanager
def span(name: str, **attributes: str | int | float) -> Iterator[None]:
    """A span of the trace around the block. It has the error that the block raises, if any."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import INVALID_SPAN, get_current_span

    parent = _work if get_current_span() is INVALID_SPAN else None
    with _tracer.start_as_current_span(name, parent, attributes=attributes):
        yield


@contextmanager
def work(identifier: str, name: str, **attributes: str | int | float) -> Iterator[None]:
    """A piece of work of this process with its correlation id: one trace, whose first span has a name.

    Spans in the block belong to it, in all threads. What is finished is sent at the end of the block.
    """
    global _work
    with working_on(identifier):
        if _tracer is None or _provider is None:
            yield
            return
        from opentelemetry.trace import set_span_in_context

        first = _tracer.start_span(name, attributes=attributes)
        former, _work = _work, set_span_in_context(first)
        try:
            yield
        finally:
            _work = former
            first.end()
            _provider.force_flush(_EXPORT_SECONDS * 1000)
