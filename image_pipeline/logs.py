"""Structured logs: one JSON object per line on stderr, if the settings ask for it.

`dagster.yaml` names the handler, so that it receives the records of every run: from the command line, from `dagster job
execute`, and from the sensor or the page.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from image_pipeline.correlation import correlation_id
from image_pipeline.settings import LogFormat, load_settings
from image_pipeline.terminal import echo_json, escaped_lines

FIELDS = (
    "partition",
    "path",
    "sha256",
    "reason",
    "files",
    "indexed",
    "quarantined",
    "upserted",
    "deleted",
    "unchanged",
    "request_id",
    "seconds",
)
"""Optional fields of a log record, passed as `extra` to the logging call."""

_EVENTS = ("RUN_START", "RUN_SUCCESS")  # Dagster's own at DEBUG; those of a failure are at ERROR


class JsonLines(logging.Handler):
    """Writes the records of a run from INFO upwards as JSON lines, and suppresses Dagster's own output of them.

    If IMAGE_PIPELINE_LOG_FORMAT is `text`, it only escapes them for the terminal.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_wanted = load_settings().log_format is LogFormat.JSON

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if not self._is_wanted:
            # Dagster's console runs after its handlers, and prints the same record; the event log has stored it already
            record.msg = escaped_lines(str(record.msg))
            return
        try:
            line = line_of(record)
            if record.levelno >= logging.INFO or line.get("event") in _EVENTS:
                echo_json(line, err=True, default=str)
            # Dagster passes a record to its handlers (the event log first), and then to its console, which prints it
            # for people if its level is high enough: NOTSET prevents that.
            record.levelno = logging.NOTSET
        except Exception:
            self.handleError(record)


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a run's record: time, level, message, run_id, job, step; and event, error and `FIELDS`, if any."""
    meta = getattr(record, "dagster_meta", {})
    event = meta.get("dagster_event")
    line = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "message": meta.get("orig_message", record.getMessage()),
        "run_id": meta.get("run_id"),
        "job": meta.get("job_name"),
        "step": meta.get("step_key"),
        "event": None if event is None else event.event_type.name,
        "error": None if event is None else failure_text(event.event_specific_data),
    }
    line |= {name: getattr(record, name, None) for name in FIELDS}
    return {name: value for name, value in line.items() if value is not None}


def error_line(message: str) -> dict[str, Any]:
    """The record of an error that ends a command, with the id that the services which it asked have in their logs."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"time": time, "level": "ERROR", "message": message, "request_id": correlation_id()}


def warning_line(message: str) -> dict[str, Any]:
    """The record of a command's warning."""
    return {**error_line(message), "level": "WARNING"}


def failure_text(data: Any) -> str | None:
    """The message of a failure event for people: the failure's description, or the message of its first cause."""
    first = getattr(data, "first_step_failure_event", None)
    if first is not None:
        return failure_text(first.event_specific_data)
    failure = getattr(data, "user_failure_data", None)
    if failure is not None and failure.description:
        return str(failure.description)
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return None if error is None else str(error.message).strip()
