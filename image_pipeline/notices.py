"""Notices that a process prints to stderr while it works: waits, retries, requests."""

import logging
import os

from image_pipeline.logs import line_of
from image_pipeline.settings import LogFormat, variable_of
from image_pipeline.terminal import echo, echo_json

_PACKAGE = "image_pipeline"


def show_notices(*servers: str) -> None:
    """Show the log records of this package, from INFO upwards, on stderr.

    And those of the loggers `servers`, from WARNING upwards, with the places in the code that errors come from.

    What libraries log for lack of a better way to report it is shown, too, unless an interruption is the reason, such
    as that of a connection that was being closed: the command itself reports that.
    """
    if logging.lastResort is not None and _is_no_interruption not in logging.lastResort.filters:
        logging.lastResort.addFilter(_is_no_interruption)
    logger = logging.getLogger(_PACKAGE)
    if not any(isinstance(handler, _Notices) for handler in logger.handlers):
        logger.addHandler(_Notices())
        logger.setLevel(logging.INFO)
    for name in servers:
        server = logging.getLogger(name)
        server.addHandler(_Notices())
        server.setLevel(logging.WARNING)
        server.propagate = False


class _Notices(logging.Handler):
    """Writes records as lines for people; with IMAGE_PIPELINE_LOG_FORMAT=json, as JSON unless Dagster does."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            trace = ""
            if record.exc_info and not record.name.startswith(_PACKAGE):
                trace = logging.Formatter().formatException(record.exc_info)
            if os.environ.get(variable_of("log_format")) != LogFormat.JSON:
                echo(f"image-pipeline: {record.getMessage()}", err=True)
                for line in trace.splitlines():
                    echo(line, err=True)
            elif not _is_within_a_step():
                echo_json(line_of(record) | ({"trace": trace} if trace else {}), err=True, default=str)
        except Exception:
            self.handleError(record)


def _is_no_interruption(record: logging.LogRecord) -> bool:
    kind = record.exc_info[0] if record.exc_info else None
    return kind is None or issubclass(kind, Exception)


def _is_within_a_step() -> bool:
    """Whether Dagster handles the records: within a step, it passes them to `logs.JsonLines`, with the run's id."""
    return any(type(handler).__name__ == "DagsterLogHandler" for handler in logging.getLogger(_PACKAGE).handlers)
