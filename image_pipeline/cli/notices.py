"""What a command says on stderr while it works: what it waits for, what it tries again."""

import logging
import os

from image_pipeline.settings import LogFormat, variable_of
from image_pipeline.terminal import echo, echo_json

_PACKAGE = "image_pipeline"


def show_notices() -> None:
    """Let what this package logs, from INFO upwards, be seen by whoever runs the command."""
    logger = logging.getLogger(_PACKAGE)
    if not any(isinstance(handler, _Notices) for handler in logger.handlers):
        logger.addHandler(_Notices())
        logger.setLevel(logging.INFO)


class _Notices(logging.Handler):
    """A line for people, or, if IMAGE_PIPELINE_LOG_FORMAT says so, a JSON object, unless Dagster writes that itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            if os.environ.get(variable_of("log_format")) != LogFormat.JSON:
                echo(f"image-pipeline: {record.getMessage()}", err=True)
            elif not _is_within_a_step():
                from image_pipeline.logs import line_of

                echo_json(line_of(record), err=True, default=str)
        except Exception:
            self.handleError(record)


def _is_within_a_step() -> bool:
    """Whether Dagster takes what is logged: in a step, it hands it on to `logs.JsonLines`, with the run's id."""
    return any(type(handler).__name__ == "DagsterLogHandler" for handler in logging.getLogger(_PACKAGE).handlers)
